"""Plots fit the terminal, and their line goes where the values are."""

import io

import pytest
from rich.console import Console

from als_cli.console.plots import LinePlot

FALLING = LinePlot("Loss by iteration", [0.5, 0.3, 0.2, 0.15, 0.14], ["1", "2", "3", "4", "5"])


def printed(plot, width, encoding="utf-8"):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    Console(file=stream, width=width, force_terminal=True).print(plot)
    stream.flush()
    return stream.buffer.getvalue().decode(encoding)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_plot_is_not_wider_than_the_terminal(width):
    lines = Console(width=width, record=True, file=io.StringIO()).render_lines(FALLING, pad=False)
    texts = ["".join(segment.text for segment in line) for line in lines]
    assert texts[0] == "Loss by iteration"
    assert 5 < len(texts) <= 12
    assert max(map(len, texts)) <= width


def test_the_line_falls_with_the_values():
    rows = [line.partition("\u2524")[2] or line.partition("\u2502")[2] for line in FALLING.lines(60)]
    drawn = [row for row in rows if row.strip(" ")]
    first, last = drawn[0], drawn[-1]
    assert len(first) - len(first.lstrip()) < 5
    assert len(last.rstrip()) > 40


def test_the_first_and_the_last_point_are_named():
    names = FALLING.lines(60)[-1].split()
    assert names == ["1", "3", "5"]


def test_equal_values_are_drawn():
    assert LinePlot("flat", [1.0, 1.0, 1.0], ["a", "b", "c"]).lines(60)


def test_a_narrow_terminal_and_plain_ascii_get_no_plot():
    assert printed(FALLING, 30) == ""
    assert printed(FALLING, 80, "ascii") == ""


def test_control_characters_of_title_and_names_are_shown_as_text():
    shown = printed(LinePlot("\x9b2J", [0.5, 0.3, 0.2], ["\u202ea", "b", "c\n"]), 80)
    assert shown.startswith("\x1b[1m\\x9b2J\x1b[0m\n")  # bold
    assert ("\u202e" in shown, "\\u202ea" in shown, "c\\n" in shown) == (False, True, True)
