"""What every stage is given: the config, where artifacts live, and somewhere to report progress."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol

from pydantic import BaseModel, ConfigDict

from als_cli.config.root import Config


class Report(BaseModel):
    """What a stage did: the JSON document of ``--json``, and what its table shows."""

    model_config = ConfigDict(frozen=True)


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


@dataclass(frozen=True)
class StageContext:
    """Config, streams and progress of one run."""

    config: Config
    threads: int = 1
    progress: Progress = field(default_factory=SilentProgress)
    stdin: BinaryIO = field(default_factory=lambda: sys.stdin.buffer)
    stdout: BinaryIO = field(default_factory=lambda: sys.stdout.buffer)
    config_file: Path | None = None
    """The file that the config was read from."""

    @property
    def workspace(self) -> Path:
        """Folder of all artifacts."""
        return Path(self.config.workspace)

    @property
    def dataset_place(self) -> Path:
        """Where `ingest` publishes."""
        return self.workspace / "dataset"

    @property
    def models_place(self) -> Path:
        """Where `train` publishes."""
        return self.workspace / "models"

    @property
    def evaluations_place(self) -> Path:
        """Where `evaluate` publishes."""
        return self.workspace / "evaluations"

    @property
    def backtests_place(self) -> Path:
        """Where `backtest` publishes."""
        return self.workspace / "backtests"
