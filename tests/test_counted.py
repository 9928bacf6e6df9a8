"""Numbers with nouns in messages."""

import pytest

from als_cli.errors import DataError, counted
from tests.in_process import als_here
from tests.stages.ingesting import ingested


@pytest.mark.parametrize(
    ("number", "words", "text"),
    [
        (0, ("row",), "0 rows"),
        (1, ("row",), "1 row"),
        (2000, ("row",), "2,000 rows"),
        (1, ("entry", "entries"), "1 entry"),
        (2, ("entry", "entries"), "2 entries"),
    ],
)
def test_the_noun_agrees_with_the_number(number, words, text):
    assert counted(number, *words) == text


def test_one_bad_row(tmp_path):
    with pytest.raises(DataError, match=r"^the only row is bad$") as caught:
        ingested(tmp_path, "user_id,item_id\n,a\n")
    assert caught.value.problems[0] == "null_user: 1 row, no user id"


def test_one_row_that_is_left_out(tmp_path):
    with pytest.raises(DataError, match=r"drop the only row$"):
        ingested(tmp_path, "user_id,item_id\nu,a\n", where="user_id <> 'u'")


def test_a_config_for_one_item(tmp_path):
    (tmp_path / "events.csv").write_text("user_id,item_id\n" + "u1,a\n" * 3, encoding="utf-8")
    als_here("init", "events.csv", "--yes", cwd=tmp_path)
    text = (tmp_path / "als.yaml").read_text(encoding="utf-8")
    assert "# the events have only 1 item\n" in text
    assert "1 different value in 3 rows" in text or "all rows have the same value" in text
