"""Tables at any width of the terminal: no number and no word is cut, and every column is there."""

import io
import re

import pytest
from rich import box
from rich.console import Console
from rich.table import Table

from als_cli.console.stacked import Stacked

METHODS = ("als", "recent_popular", "item_knn")
NUMBERS = {
    "ndcg": "0.2187*",
    "hit rate": "0.5712*",
    "95 % interval": "+0.0014 to +0.0140",
    "slots": "1,234,567",
}


def numbers_table(**settings):
    table = Table(title="\nlists of 10", **({"box": None, "padding": (0, 1, 0, 0)} | settings))
    table.add_column("method")
    for header in NUMBERS:
        table.add_column(header, justify="right")
    table.add_column("conclusion")
    for method in METHODS:
        table.add_row(method, *NUMBERS.values(), "not clear")
    return table


def lines_of(table, width):
    shown = io.StringIO()
    Console(file=shown, width=width, color_system=None).print(Stacked(table))
    return [line.rstrip() for line in shown.getvalue().splitlines()]


@pytest.mark.parametrize("width", range(40, 101))
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"padding": (0, 2)},
        {"padding": (0, 2, 0, 0), "pad_edge": False},
        {"box": box.SIMPLE_HEAD, "pad_edge": False, "show_edge": False},
        {"expand": True},
        {"min_width": 90},
    ],
)
def test_no_number_and_no_word_is_cut(width, settings):
    lines = lines_of(numbers_table(**settings), width)
    text = "\n".join(lines)
    assert max(map(len, lines)) <= width
    for number in NUMBERS.values():
        assert text.count(number) == len(METHODS)
    for word in ("ndcg", "hit rate", "95 % interval", "slots", "conclusion", "lists of 10"):
        assert text.count(word) == 1
    assert len(re.findall("not *\n?.*clear", text)) == len(METHODS)


@pytest.mark.parametrize("width", [34, 50, 70, 200])
def test_every_group_begins_with_the_first_column(width):
    text = "\n".join(lines_of(numbers_table(), width))
    groups = text.count("method")
    assert groups == {34: 4, 50: 2, 70: 2, 200: 1}[width]
    assert all(text.count(method) == groups for method in METHODS)


def test_words_of_text_are_wrapped_before_the_table_is_split():
    table = Table("rows", "reason", box=None, padding=(0, 2, 0, 0))
    table.columns[0].justify = "right"
    table.add_row("1,234", "the timestamp cannot be read, or is before the year 1000")
    assert lines_of(table, 30) == [
        " rows  reason",
        "1,234  the timestamp cannot be",
        "       read, or is before the",
        "       year 1000",
    ]


def test_ids_and_paths_are_folded():
    table = Table("id", "score", box=None, padding=(0, 1, 0, 0))
    table.columns[1].justify = "right"
    table.add_row("x" * 45, "0.1234")
    assert lines_of(table, 28) == [
        "id                     score",
        "xxxxxxxxxxxxxxxxxxxxx 0.1234",
        "xxxxxxxxxxxxxxxxxxxxx",
        "xxx",
    ]


def test_a_number_wider_than_the_terminal_is_folded():
    table = Table("id", "interval", box=None, padding=(0, 1, 0, 0))
    table.columns[1].justify = "right"
    table.add_row("recent_popular", "-1,234,567.1234 to -1,234,567.1235")
    shown = "".join(line[10:].strip() for line in lines_of(table, 24)[1:])
    assert shown.replace(" ", "") == "-1,234,567.1234to-1,234,567.1235"
