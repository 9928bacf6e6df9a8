"""The comparison of new lists with the published ones, before the new lists become visible."""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from als_cli.config.recommend import ChurnConfig
from als_cli.errors import ArtifactError, DataError
from als_cli.evaluation.churn import churn_verdict, require_churn
from als_cli.evaluation.list_changes import ListChanges
from als_cli.evaluation.list_comparison import compare_lists
from als_cli.evaluation.list_comparison_report import ListChurn, ListComparison
from als_cli.evaluation.list_tables import ListTable
from als_cli.storage.list_changes_files import changes_writer
from als_cli.storage.manifest import read_manifest
from als_cli.storage.publish import version_of_staging
from als_cli.storage.sinks.list_files import changes_of
from als_cli.storage.sinks.lists_place import files_place
from als_cli.storage.sinks.target import KIND, Target
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
        changes, figures = self._changes(published, new, version)
        self.found.update(changes)
        if self.churn is not None and published is not None:
            # Ids of different types are compared as text.
            churn = (figures or compare_lists(published.table, new)).churn
            self.found.update(self._churn(self.churn, churn))
        return self.found

    def _churn(self, config: ChurnConfig, churn: ListChurn | None) -> dict[str, Any]:
        if churn is None:
            return {}
        verdict = churn_verdict(config, churn)
        require_churn(verdict, accept=self.accept_churn)
        return {"churn": {**churn.model_dump(), "accepted": not verdict.met}}

    def _changes(
        self, published: StoredLists | None, new: ListTable, version: Path
    ) -> tuple[dict[str, Any], ListComparison | None]:
        """Write the table of changes; return its entry in the metrics, and the comparison if it is with `published`."""
        by = self.target.changes
        if by is None:
            return {}, None
        base = published if published is not None and _fit(published.table, new) else None
        if base is not published:
            log.warning("the ids of the published lists have another type, so the changes contain all lists")
        (path,) = changes_of(self.target)
        old = new.none() if base is None else base.table
        with changes_writer(version / path.name, new, by, self.target.layout) as writer:
            figures = compare_lists(old, new, writer.write)
        report = ListChanges(
            file=path.name,
            by=by,
            from_version=None if base is None else base.version,
            to_version=version_of_staging(version).name,
            **writer.counts,
        )
        return {"changes": report.model_dump()}, None if base is None else figures

    def _published(self) -> StoredLists | None:
        """Return the published lists; None if there are none, or if they are broken."""
        place = files_place(self.target)
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
