"""The progress bar of a task at a terminal."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import Task as RichTask
from rich.text import Text

from als_cli.progress import Task


@contextmanager
def progress_bar(console: Console, description: str, total: int | None) -> Iterator[Task]:
    """Yield a task with a progress bar on `console`. The bar is removed when the task is done."""
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        _Steps(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
        console=console,
        transient=True,
    )
    with bar:
        yield _BarTask(bar, bar.add_task(description, total=total, note=""))


class _Steps(MofNCompleteColumn):
    def render(self, task: RichTask) -> Text:
        return super().render(task) if task.total is not None else Text("")


class _BarTask:
    def __init__(self, bar: Progress, task_id: TaskID) -> None:
        self._bar = bar
        self._task_id = task_id

    def advance(self, steps: int = 1, note: str = "") -> None:
        self._bar.update(self._task_id, advance=steps, note=note)
