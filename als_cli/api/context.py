"""Workspaces of the library: the same stages as on the command line, without streams and progress."""

import io
import shutil
import tempfile
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from als_cli.als.threads import available_threads
from als_cli.config.loading import load_config
from als_cli.stages.context import StageContext

NO_EVENTS = {"events.source": "-"}
"""For stages that read a dataset and no events. The config cannot do without a source."""


@dataclass(frozen=True)
class LibraryContext(StageContext):
    """The context of a stage whose dataset may be in another workspace."""

    dataset: Path | None = None
    """Place of the dataset. None: in the workspace."""

    @property
    def dataset_place(self) -> Path:
        """Folder that `ingest` publishes to."""
        return super().dataset_place if self.dataset is None else self.dataset


class Workspace:
    """A folder of artifacts. A temporary folder is removed when the workspace is no longer used, or at exit."""

    def __init__(self, folder: str | Path | None) -> None:
        """Use `folder`; None means a temporary folder."""
        if folder is None:
            self.folder = Path(tempfile.mkdtemp(prefix="als-"))
            weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)
        else:
            self.folder = Path(folder).absolute()

    def context(self, keys: Mapping[str, Any], dataset: Path | None = None) -> LibraryContext:
        """Return the context of a stage in this workspace, with config keys such as ``train.factors``.

        Environment variables do not change the config of the library.

        Raises
        ------
        ConfigError
            A key is unknown, or its value is wrong.
        """
        flags = NO_EVENTS | {"workspace": str(self.folder)} | dict(keys)
        config = load_config(None, environment={}, flags=flags, caller="the call")
        threads = (
            available_threads() if config.threads == "auto" else min(config.threads, available_threads())
        )
        # The streams of a notebook have no bytes, and the library neither reads nor writes them.
        return LibraryContext(config, threads, stdin=io.BytesIO(), stdout=io.BytesIO(), dataset=dataset)


def in_section(section: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return `settings` as config keys of `section`. Double underscores are dots: ``confidence__alpha``."""
    return {f"{section}.{name.replace('__', '.')}": value for name, value in settings.items()}
