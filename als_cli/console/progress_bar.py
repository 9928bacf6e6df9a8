"""The progress bar of a task at a terminal: steps, rate, remaining time and the current figure."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, TaskID, TextColumn
from rich.progress import Task as RichTask
from rich.text import Text

from als_cli.errors import one_line
from als_cli.progress import Task

_WIDE = 100
"""Minimum width for a bar. Narrower terminals show the numbers only."""
_MINUTE = 60


@contextmanager
def progress_bar(
    console: Console, description: str, total: int | None, clock: Callable[[], float] = time.monotonic
) -> Iterator[Task]:
    """Yield a task with a progress bar on `console`. The bar is removed when the task is done."""
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        *([BarColumn(bar_width=20)] if console.width >= _WIDE else []),
        _Steps(),
        _Rate(),
        _Time(),
        TextColumn("{task.fields[note]}", markup=False),
        console=console,
        transient=True,
        get_time=clock,
    )
    with bar:
        yield _BarTask(bar, bar.add_task(one_line(description), total=total, note=""))


class _Steps(ProgressColumn):
    def render(self, task: RichTask) -> Text:
        """Return the steps that are done, and all steps if their number is known."""
        done = f"{int(task.completed):,}"
        return Text(done if task.total is None else f"{done}/{int(task.total):,}")


class _Rate(ProgressColumn):
    def render(self, task: RichTask) -> Text:
        """Return the steps per second, or the seconds per step if they are longer."""
        elapsed = task.elapsed or 0.0
        if not task.completed or elapsed <= 0:
            return Text("")
        rate = task.completed / elapsed
        return Text(
            f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.1f}/s" if rate >= 1 else f"{1 / rate:.1f} s each"
        )


class _Time(ProgressColumn):
    def render(self, task: RichTask) -> Text:
        """Return the remaining time, or the elapsed time if the number of steps is unknown."""
        elapsed = task.elapsed or 0.0
        if task.total is None or not task.completed:
            return Text(f"{_clock(elapsed)} so far")
        # The mean of all steps changes less than rich's mean of the last ones.
        return Text(f"{_clock(elapsed / task.completed * (task.total - task.completed))} left")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), _MINUTE)
    hours, minutes = divmod(minutes, _MINUTE)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class _BarTask:
    def __init__(self, bar: Progress, task_id: TaskID) -> None:
        self._bar = bar
        self._task_id = task_id

    def advance(self, steps: int = 1, note: str = "") -> None:
        self._bar.update(self._task_id, advance=steps, note=one_line(note))
