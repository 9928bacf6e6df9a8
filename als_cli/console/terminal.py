"""Output for people: reports and progress on stderr. stdout carries data only."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
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

from als_cli.progress import SilentProgress, Task


class Terminal:
    """Reports, answers, JSON and progress on the two output streams.

    Without a terminal and without `verbose`, stderr gets only warnings and errors, because cron mails all output.
    """

    def __init__(self, *, verbose: bool = False, quiet: bool = False, plain: bool = False) -> None:
        self.stdout = Console(highlight=False, markup=False)
        self.stderr = Console(stderr=True, highlight=False, markup=False)
        watched = self.stderr.is_terminal and not plain and not quiet
        self.shows_progress = watched
        self.shows_reports = (watched or verbose) and not quiet and not plain

    def show_report(self, renderable: RenderableType) -> None:
        """Print the report of a stage on stderr, at a terminal."""
        if self.shows_reports:
            self.stderr.print(renderable)

    def show_answer(self, renderable: RenderableType) -> None:
        """Print the answer of a command on stdout."""
        self.stdout.print(renderable)

    def write_json(self, document: str) -> None:
        """Print one JSON document on stdout."""
        sys.stdout.write(document + "\n")
        sys.stdout.flush()

    @contextmanager
    def task(self, description: str, total: int | None = None) -> Iterator[Task]:
        """Yield a task with a progress bar on stderr. The bar is removed when the task is done."""
        if not self.shows_progress:
            with SilentProgress().task(description, total) as silent:
                yield silent
            return
        bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            _Steps(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}"),
            console=self.stderr,
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
