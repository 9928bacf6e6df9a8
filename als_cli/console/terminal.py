"""Output for people: reports and progress on stderr. stdout carries data only."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

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

from als_cli.errors import streaming
from als_cli.progress import SilentProgress, Task

_MINIMUM_WIDTH = 20


class Terminal:
    """Reports, answers, JSON and progress on the two output streams.

    Without a terminal and without `verbose`, stderr gets only warnings and errors, because cron mails all output.
    """

    def __init__(self, *, verbose: bool = False, quiet: bool = False, plain: bool = False) -> None:
        self.stdout = _console()
        self.stderr = _console(stderr=True)
        watched = self.stderr.is_terminal and not plain and not quiet
        self.shows_progress = watched
        self.shows_reports = (watched or verbose) and not quiet and not plain

    def show_report(self, renderable: RenderableType) -> None:
        """Print the report of a stage on stderr, at a terminal."""
        if self.shows_reports:
            with suppress(OSError):  # the report is not worth a failure
                self.stderr.print(renderable)

    def show_answer(self, renderable: RenderableType) -> None:
        """Print the answer of a command on stdout."""
        with streaming("stdout"):
            self.stdout.print(renderable)
            sys.stdout.flush()

    def write_json(self, document: str) -> None:
        """Print one JSON document on stdout."""
        with streaming("stdout"):
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


class _Console(Console):
    def on_broken_pipe(self) -> None:
        raise BrokenPipeError  # rich would exit with code 1


def _console(*, stderr: bool = False) -> Console:
    console = _Console(stderr=stderr, highlight=False, markup=False)
    console.width = max(console.width, _MINIMUM_WIDTH)  # rich cannot lay out a table in fewer columns
    return console


class _Steps(MofNCompleteColumn):
    def render(self, task: RichTask) -> Text:
        return super().render(task) if task.total is not None else Text("")


class _BarTask:
    def __init__(self, bar: Progress, task_id: TaskID) -> None:
        self._bar = bar
        self._task_id = task_id

    def advance(self, steps: int = 1, note: str = "") -> None:
        self._bar.update(self._task_id, advance=steps, note=note)
