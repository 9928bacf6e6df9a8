"""Progress of long work: what domain code reports, without knowing who shows it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Task(Protocol):
    """A running piece of work whose progress is shown."""

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Record `steps` more done; `note` is the newest figure worth showing, such as the loss."""
        ...


class Progress(Protocol):
    """Shows progress to a person at a terminal; does nothing elsewhere."""

    @contextmanager
    def task(self, description: str, total: int | None = None) -> Iterator[Task]:
        """Yield a task of `total` steps (None: unknown)."""
        ...


class _SilentTask:
    def advance(self, steps: int = 1, note: str = "") -> None:
        pass


class SilentProgress:
    """Progress that nobody watches."""

    @contextmanager
    def task(self, description: str, total: int | None = None) -> Iterator[Task]:  # noqa: ARG002 - the interface
        """Yield a task that shows nothing."""
        yield _SilentTask()
