"""`als compare`: two publications of lists beside each other, and the changes between them."""

import time
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

from als_cli.config.recommend_checks import check_recommend
from als_cli.errors import ArtifactError, ConfigError
from als_cli.evaluation.churn import churn_verdict, require_churn
from als_cli.evaluation.list_changes import ListChanges
from als_cli.evaluation.list_comparison import compare_lists
from als_cli.evaluation.list_comparison_report import ListComparison
from als_cli.evaluation.list_tables import same_types
from als_cli.reports import Report
from als_cli.stages.context import StageContext
from als_cli.storage.databases.list_rows import reading_rights
from als_cli.storage.list_changes_files import format_of_changes, published_changes
from als_cli.storage.output_checks import check_changes_output
from als_cli.storage.published_lists import lists_named, lists_of, lists_spool
from als_cli.storage.sinks.lists_place import lists_place
from als_cli.storage.sinks.target import Target, target_of
from als_cli.storage.stored_lists import StoredLists, require_place
from als_cli.storage.versions import earlier_version


class ComparedLists(Report):
    """One of the two publications."""

    path: str
    version: str | None
    """None if the lists are not a version on disk."""
    instant: datetime | None
    """The instant that the lists were made for: `events.as_of`, or else the time of their run. None if unknown."""


class CompareReport(ListComparison):
    """What `compare` found."""

    old: ComparedLists
    new: ComparedLists
    changes: ListChanges | None
    """The table of changes that was written; None without `--changes`."""
    seconds: float


def compare(
    context: StageContext, old: str | None, new: str | None, *, changes: str | None, gate: bool
) -> CompareReport:
    """Return the differences between the lists `old` and `new`: paths, views or versions of the lists.

    The default of `new` are the published lists, that of `old` the version before them. `changes` is the path of a
    table of changes to write. With `gate`, `recommend.churn` must be met.

    Raises
    ------
    ArtifactError
        There are no published lists or no earlier ones, or lists are broken.
    ConfigError
        There is no such version, `changes` cannot be written there, or there is no gate.
    DataError
        Lists cannot be read.
    ResourceError
        The database or the Delta table of the lists cannot be read.
    GateError
        The lists differ more than `recommend.churn` allows. No changes are written.
    """
    started = time.perf_counter()
    config = context.config.recommend
    if gate and config.churn is None:
        raise ConfigError("--gate needs recommend.churn", hint="docs/lists.md describes the churn gate")
    check_recommend(config)
    if changes is not None:
        format_of_changes(Path(changes), config.output.layout)
        check_changes_output(Path(changes), context.config, context.config_file)
    with lists_spool(context.workspace) as spool, ExitStack() as streams:
        target = target_of(config.output)
        with reading_rights(target.path):
            first, second = _old(old, target, spool), _new(new, target, spool)
        before, after = same_types(first.table, second.table)
        writer = None
        if changes is not None:
            leads = (first.version or first.path, second.version or second.path)
            by = config.output.changes or "items"
            writer = streams.enter_context(
                published_changes(Path(changes), after, by, config.output.layout, leads)
            )
        found = compare_lists(before, after, (lambda _block: None) if writer is None else writer.write)
        if gate and config.churn is not None and found.churn is not None:
            require_churn(churn_verdict(config.churn, found.churn))
    return CompareReport(
        **dict(found),
        old=_described(first),
        new=_described(second),
        changes=None if writer is None else writer.report,
        seconds=time.perf_counter() - started,
    )


def _new(text: str | None, target: Target, spool: Path) -> StoredLists:
    if text is not None:
        return lists_named(text, target, spool)
    place = require_place(lists_place(target), "compare")
    current = next((version for version in place.stored() if version.is_current), None)
    if current is None:
        raise ArtifactError(f"there are no lists at {place.label}", hint="run `als recommend` first")
    return lists_of(current, spool)


def _old(text: str | None, target: Target, spool: Path) -> StoredLists:
    if text is not None:
        return lists_named(text, target, spool)
    return lists_of(earlier_version(require_place(lists_place(target), "compare")), spool)


def _described(lists: StoredLists) -> ComparedLists:
    return ComparedLists(path=lists.path, version=lists.version, instant=lists.instant)
