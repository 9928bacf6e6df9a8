"""A line with more fields than the first line is named by its number."""

import gzip
import re

import pytest

from als_cli.config.source import TableFormat
from als_cli.errors import DataError
from als_cli.tables.scan import reading, scan_table
from tests.event_shapes import retail_rocket
from tests.in_process import als_here, failed
from tests.shop import CONFIG, write_shop


def message(path, **fmt):
    form = TableFormat(**fmt)
    with pytest.raises(DataError) as caught, reading(str(path), form):
        scan_table(str(path), form).collect()
    return caught.value.message


@pytest.mark.parametrize(
    ("text", "fmt", "found"),
    [
        (b"a,b\n1,2\n3,4,5\n6,7,8\n", {}, "line 3 has more fields than the first line: 3 instead of 2"),
        (b"a;b\n1;2\n3;4;\n", {}, "line 3 has more fields than the first line: 3 instead of 2"),
        (b'a,b\n1,"x\ny"\n"p\nq",4,5,6\n', {}, "line 4 has more fields than the first line: 4 instead of 2"),
        (b'a|b\n1|"2\n3|4|5\n', {"quote": "none"}, "line 3 has more"),
        ("a,b\n1,é\n3,4,5\n".encode("latin-1"), {"encoding": "latin-1"}, "line 3 has more"),
        (b"1,2\n3,4\n5,6,7\n", {"header": False}, "line 3 has more"),
    ],
)
def test_the_first_long_line_is_found(tmp_path, text, fmt, found):
    path = tmp_path / "e.csv"
    path.write_bytes(text)
    assert message(path, **fmt).startswith(f"{path} cannot be read: {found}")
    packed = tmp_path / "e.csv.gz"
    packed.write_bytes(gzip.compress(text))
    assert found in message(packed, **fmt)


def test_a_line_that_cannot_be_found_has_no_number(tmp_path):
    path = tmp_path / "e.csv"
    path.write_bytes(b"a,b\n1," + b"x" * 200_000 + b"\n3,4,5\n")  # a field over the limit of the csv module
    assert message(path) == f"{path} cannot be read: a line has more fields than the first line"


def long_line(path, number):
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[number - 1] += ",more"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("where", ["", "where: user_id <> 'x'"])
def test_check_and_ingest_name_the_line(tmp_path, where):
    write_shop(tmp_path)
    config = tmp_path / "shop.yaml"
    config.write_text(CONFIG.replace("events:\n", f"events:\n  {where}\n", 1), encoding="utf-8")
    long_line(tmp_path / "events.csv", 1234)
    for command in ("check", "ingest"):
        ended = als_here(command, "-c", config)
        assert ended.returncode == 3
        assert "line 1,234 has more fields" in re.sub(r"\s+", " ", ended.stdout + ended.stderr)


def test_init_names_the_line(tmp_path):
    path = long_line(retail_rocket(tmp_path), 321)
    error = failed(3, "init", path, "--yes")
    assert "line 321 has more fields than the first line: 6 instead of 5" in error["message"]
    assert "must be in quotes" in error["hint"]
