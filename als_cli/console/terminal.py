"""Output for people: reports and progress on stderr. stdout carries data only.

rich is imported when something is printed. Its import takes 25 ms, and a run under cron prints nothing.
"""

import functools
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from als_cli.errors import streaming
from als_cli.progress import SilentProgress, Task

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


class Terminal:
    """Reports, answers, JSON and progress on the two output streams.

    Without a terminal and without `verbose`, stderr gets only warnings and errors, because cron mails all output.
    """

    def __init__(self, *, verbose: bool = False, quiet: bool = False, plain: bool = False) -> None:
        watched = sys.stderr.isatty() and not plain and not quiet
        self.shows_progress = watched
        self.shows_reports = (watched or verbose) and not quiet and not plain

    @functools.cached_property
    def stdout(self) -> "Console":
        """The output stream of answers."""
        from als_cli.console.consoles import console

        return console()

    @functools.cached_property
    def stderr(self) -> "Console":
        """The output stream of reports and progress."""
        from als_cli.console.consoles import console

        return console(stderr=True)

    def show_report(self, renderable: "RenderableType") -> None:
        """Print the report of a stage on stderr, at a terminal."""
        if self.shows_reports:
            with suppress(OSError):  # the report is not worth a failure
                self.stderr.print(renderable)

    def show_answer(self, renderable: "RenderableType") -> None:
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
        from als_cli.console.progress_bar import progress_bar

        with progress_bar(self.stderr, description, total) as bar:
            yield bar
