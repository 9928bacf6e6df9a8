"""Comments above the header are named in the error, because als does not skip them."""

import pytest

from als_cli.tables.comments import leading_comments
from tests.event_shapes import retail_rocket
from tests.in_process import done, failed
from tests.shop import write_shop


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("a,b\n1,2", 0),
        ("# made by x\na,b\n1,2", 1),
        ("# made, by x\n\n# on Monday\na,b,c\n1,2,3", 3),
        ("\n# made by x\n\na,b\n", 2),
        ("#a,b\n1,2", 0),
        ("# made by x\n#a,b\n1,2", 1),
        ("a,b\n# 1,2", 0),
        ("# a\n# b", 2),
        ("", 0),
        ("\n\n", 0),
        ("\n\na,b", 0),
    ],
)
def test_lines_above_the_header_are_counted(text, count):
    assert leading_comments(text.splitlines()) == count


@pytest.mark.parametrize(
    ("count", "words"), [(1, "line looks like a comment"), (3, "3 lines look like comments")]
)
def test_init_check_and_ingest_name_them(tmp_path, count, words):
    events = retail_rocket(tmp_path)
    config = tmp_path / "als.yaml"
    done("init", events, "--yes", "-o", config)
    events.write_text(
        "# exported by the shop\n" * count + events.read_text(encoding="utf-8"), encoding="utf-8"
    )
    error = failed(3, "init", events, "--yes", "-o", tmp_path / "other.yaml")
    assert error["message"] == f"{events}: the first {words}"
    assert f"tail -n +{count + 1}" in error["hint"]
    error = failed(3, "ingest", "-c", config)
    assert f"the first {words}" in error["message"]


def test_a_header_with_a_mark_is_a_header(tmp_path):
    config = write_shop(tmp_path)
    events = tmp_path / "events.csv"
    events.write_text("#" + events.read_text(encoding="utf-8"), encoding="utf-8")
    text = config.read_text(encoding="utf-8")
    first = events.read_text(encoding="utf-8").partition(",")[0]
    assert first.startswith("#")
    config.write_text(text.replace(first[1:], f'"{first}"'), encoding="utf-8")
    assert done("check", "-c", config)["ok"]
