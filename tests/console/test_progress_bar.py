"""The progress of a task: steps, rate, remaining time and the current figure, in any width."""

import io
import re

import pytest
from rich.console import Console

from als_cli.console.progress_bar import progress_bar


class Clock:
    """A clock that the test moves."""

    now = 0.0

    def __call__(self):
        return self.now


def last_line(total, steps, seconds, note="", width=80):
    """Return the last line of progress after `steps` in `seconds`."""
    shown, clock = io.StringIO(), Clock()
    console = Console(file=shown, force_terminal=True, width=width, color_system=None)
    with progress_bar(console, "training", total, clock) as task:
        if steps:
            task.advance(steps, note)
        clock.now = seconds
        task._bar.refresh()
        text = shown.getvalue()
    plain = re.sub(r"\x1b\[[0-9?]*[A-Za-z]", "", text)
    return re.split("[\r\n]", plain)[-1].rstrip()


@pytest.mark.parametrize(
    ("total", "steps", "seconds", "expected"),
    [
        (10, 4, 6.0, "4/10 1.5 s each 0:09 left"),
        (138_000, 46_000, 0.5, "46,000/138,000 92,000/s 0:01 left"),
        (20, 10, 5.0, "10/20 2.0/s 0:05 left"),
        (100, 1, 120.0, "1/100 120.0 s each 3:18:00 left"),
        (10, 0, 3.0, "0/10  0:03 so far"),
        (None, 7, 3.5, "7 2.0/s 0:04 so far"),
    ],
)
def test_steps_rate_and_time_are_shown(total, steps, seconds, expected):
    line = last_line(total, steps, seconds)
    assert f"training {expected}" in line


def test_the_current_figure_is_the_last_word():
    assert last_line(10, 4, 6.0, "loss 0.0123").endswith("left loss 0.0123")


@pytest.mark.parametrize("width", [20, 40, 80, 120])
def test_a_line_is_not_wider_than_the_terminal(width):
    line = last_line(138_000, 46_000, 0.5, "best ndcg@10 0.1234", width)
    assert len(line) <= width
    assert ("━" in line) == (width >= 100)


@pytest.mark.parametrize(
    ("note", "shown"),
    [("[red]/x[/red].csv", "[red]/x[/red].csv"), ("a\x1b[2Jb", "a\\x1b[2Jb"), ("[/]", "[/]")],
)
def test_names_of_files_are_neither_markup_nor_control_sequences(note, shown):
    assert last_line(10, 4, 6.0, note).endswith(f"left {shown}")
