"""What every stage is given: the config, where artifacts live, and somewhere to report progress."""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from als_cli.config.root import Config
from als_cli.progress import Progress, SilentProgress


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
