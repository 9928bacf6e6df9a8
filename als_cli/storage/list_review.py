"""The comparison of new lists with the published ones, before the new lists become visible."""

import logging
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from als_cli.config.recommend import ChurnConfig
from als_cli.errors import ArtifactError, DataError
from als_cli.evaluation.churn import churn_verdict, require_churn
from als_cli.evaluation.list_changes import ChangedBy, ListChanges
from als_cli.evaluation.list_comparison import compare_lists
from als_cli.evaluation.list_tables import ListTable
from als_cli.storage.list_changes_files import changes_writer
from als_cli.storage.manifest import read_manifest
from als_cli.storage.publish import version_of_staging
from als_cli.storage.sinks.list_files import KIND, changes_of
from als_cli.storage.sinks.shown import lists_place
from als_cli.storage.sinks.target import Target
from als_cli.storage.stored_lists import StoredLists, lists_in, lists_of_version

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ListReview:
    """The churn gate and the table of changes of new lists. Call it with the folder of their version."""

    target: Target
    churn: ChurnConfig | None
    accept_churn: bool
    """Publish the lists even if they differ more than `churn` allows."""
    found: dict[str, Any] = field(default_factory=dict)
    """What the last call returned."""

    def __call__(self, version: Path) -> dict[str, Any]:
        """Return `churn` and `changes` for the metrics of the manifest; write the table of changes into `version`.

        Raises
        ------
        GateError
            The lists differ from the published ones more than `churn` allows.
        DataError
            The new or the published lists cannot be read.
        """
        if self.churn is None and self.target.changes is None:
            return {}
        published = self._published()
        if published is None and self.target.changes is None:
            return {}
        new = lists_in(version, Path(self.target.path).name)
        if published is not None and not _fit(published.table, new):
            log.warning("the ids of the published lists have another type, so all lists count as new")
            published = None
        self.found.update(self._compared(published, new, version))
        return self.found

    def _compared(self, published: StoredLists | None, new: ListTable, version: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        with ExitStack() as streams:
            writer, by = None, cast("ChangedBy", self.target.changes)
            for path in changes_of(self.target):
                table = changes_writer(version / path.name, new, by, self.target.layout)
                writer = streams.enter_context(table)
            old = new.none() if published is None else published.table
            figures = compare_lists(old, new, (lambda _block: None) if writer is None else writer.write)
        if self.churn is not None and figures.churn is not None:
            verdict = churn_verdict(self.churn, figures.churn)
            require_churn(verdict, accept=self.accept_churn)
            found["churn"] = {**figures.churn.model_dump(), "accepted": not verdict.met}
        for path in changes_of(self.target):
            changes = ListChanges(
                file=path.name,
                by=by,
                from_version=None if published is None else published.version,
                to_version=version_of_staging(version).name,
                **({} if writer is None else writer.counts),
            )
            found["changes"] = changes.model_dump()
        return found

    def _published(self) -> StoredLists | None:
        """Return the published lists; None if there are none, or if they are broken."""
        place = lists_place(self.target)
        folder = None if place is None else place.current()
        if folder is None:
            return None
        try:
            return lists_of_version(folder, read_manifest(folder, KIND))
        except (ArtifactError, DataError) as broken:
            log.warning("the published lists cannot be read, so all lists count as new: %s", broken.message)
            return None


def _fit(old: ListTable, new: ListTable) -> bool:
    return (old.user_type, old.item_type) == (new.user_type, new.item_type)
