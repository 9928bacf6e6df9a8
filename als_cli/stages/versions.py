"""`als versions`: the versions of artifacts and lists that are on disk."""

from datetime import datetime
from pathlib import Path

from als_cli.reports import Report
from als_cli.stages.context import StageContext
from als_cli.storage.sinks.lists_place import lists_place
from als_cli.storage.sinks.target import target_of
from als_cli.storage.versions import Place, StoredVersion, VersionedPlace

LISTS = "lists"


class VersionReport(Report):
    """A version on disk."""

    of: str
    """What it is a version of: dataset, choice, model, evaluation, backtest, embeddings or lists."""
    version: str
    created: datetime
    published: bool
    """Whether readers see this version."""
    bytes: int
    path: str
    """Folder of the version, or its table in a database."""


class VersionsReport(Report):
    """All versions on disk, the newest first within each kind."""

    versions: tuple[VersionReport, ...]


def versions(context: StageContext) -> VersionsReport:
    """Return the versions of all artifacts of the workspace and of the lists."""
    return VersionsReport(
        versions=tuple(
            _described(of, version) for of, place in places_of(context).items() for version in place.stored()
        )
    )


def places_of(context: StageContext) -> dict[str, VersionedPlace]:
    """Return the places with versions, by their names on the command line. Lists on stdout have none."""
    places: dict[str, VersionedPlace] = {
        "dataset": Place("dataset", context.dataset_place),
        "choice": Place("choice", context.choice_place),
        "model": Place("model", context.models_place),
        "evaluation": Place("evaluation", context.evaluations_place),
        "backtest": Place("backtest", context.backtests_place),
    }
    if Path(context.config.embeddings.path).is_dir():
        places["embeddings"] = Place("embeddings", Path(context.config.embeddings.path))
    lists = lists_place(target_of(context.config.recommend.output))
    return places if lists is None else places | {LISTS: lists}


def _described(of: str, version: StoredVersion) -> VersionReport:
    return VersionReport(
        of=of,
        version=version.id,
        created=version.manifest.created,
        published=version.is_current,
        bytes=version.bytes,
        path=version.path,
    )
