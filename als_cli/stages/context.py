"""The context of a stage: config, artifact paths, streams and progress."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast

from als_cli.config.root import Config
from als_cli.progress import Progress, SilentProgress
from als_cli.storage.dataset_files import reading_events

_Stage = TypeVar("_Stage", bound=Callable[..., Any])


@dataclass(frozen=True)
class StageContext:
    """Config, artifact paths, streams and progress of one run."""

    config: Config
    threads: int = 1
    progress: Progress = field(default_factory=SilentProgress)
    stdin: BinaryIO = field(default_factory=lambda: sys.stdin.buffer)
    stdout: BinaryIO = field(default_factory=lambda: sys.stdout.buffer)
    config_file: Path | None = None
    """The file that the config was read from."""
    accept_churn: bool = False
    """Whether lists are published that differ more from the published ones than `recommend.churn` allows."""

    @property
    def workspace(self) -> Path:
        """Folder of all artifacts."""
        return Path(self.config.workspace)

    @property
    def dataset_place(self) -> Path:
        """Folder that `ingest` publishes to."""
        return self.workspace / "dataset"

    @property
    def models_place(self) -> Path:
        """Folder that `train` publishes to."""
        return self.workspace / "models"

    @property
    def choice_place(self) -> Path:
        """Folder of the settings that `auto` selected."""
        return self.workspace / "choice"

    @property
    def evaluations_place(self) -> Path:
        """Folder that `evaluate` publishes to."""
        return self.workspace / "evaluations"

    @property
    def backtests_place(self) -> Path:
        """Folder that `backtest` publishes to."""
        return self.workspace / "backtests"

    @property
    def hindsight_folder(self) -> Path:
        """Folder of the evaluations of lists that were shown."""
        return self.workspace / "hindsight"


def reads_events(stage: _Stage) -> _Stage:
    """Return `stage`, which then names the clean events of the dataset if they are broken (:func:`reading_events`)."""

    @wraps(stage)
    def reading(context: StageContext, *arguments: Any, **options: Any) -> Any:
        with reading_events(context.dataset_place):
            return stage(context, *arguments, **options)

    return cast("_Stage", reading)
