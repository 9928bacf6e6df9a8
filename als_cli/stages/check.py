"""`als check`: check a config and the first rows of its events, without any other work."""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from als_cli.config.events import EventsConfig
from als_cli.dataset.interactions import rows_of
from als_cli.errors import AlsError, counted
from als_cli.events.cleaning import unit_hints
from als_cli.events.first_rows import FirstRows, first_rows, meanings
from als_cli.events.ids import common_type
from als_cli.events.notices import warn_of
from als_cli.events.probe import unlisted
from als_cli.events.quarantine import too_many
from als_cli.events.sources import ROLES, Source, find_sources
from als_cli.ranking.catalog import read_catalog
from als_cli.ranking.rules.rule_tables import catalog_needs, check_catalog, id_tables
from als_cli.stages.check_reports import (
    CatalogCheckReport,
    CheckReport,
    ColumnReport,
    ExampleReport,
    ProblemReport,
    RejectedReport,
    SourceCheckReport,
)
from als_cli.stages.context import StageContext
from als_cli.storage.output_checks import check_lists_output
from als_cli.storage.read_paths import ReadPath, read_paths
from als_cli.tables.scan import find_files

FIRST_ROWS = 10_000
"""Number of rows of each file that are checked."""
_MAXIMUM_FILES = 20
_EXAMPLES = 3
_SHOWN = 40
_JOINED = 0.5
"""Minimum fraction of items in the catalogue that needs no warning."""
_LARGE_USER, _TIMES_MEAN = 0.05, 5
"""A user with more than this fraction of the events, and this many times the mean, may be a placeholder."""
_CATALOG = "recommend.items.catalog"


@dataclass
class _Problems:
    """The problems found so far."""

    found: list[ProblemReport] = field(default_factory=list)

    @contextmanager
    def collected(self) -> Iterator[None]:
        """Add the expected failure of the block, if it has one."""
        try:
            yield
        except AlsError as failure:
            self.add(failure.message, failure.hint, failure.exit_code)

    def add(self, message: str, hint: str | None, code: int) -> None:
        """Add a problem, once."""
        problem = ProblemReport(message=message, hint=hint, exit_code=int(code))
        if problem not in self.found:
            self.found.append(problem)


def check(context: StageContext) -> CheckReport:
    """Return what the first rows of the events look like after parsing, and all problems that would stop a run.

    Nothing is written. Of many files, 20 are checked, spread over all of them.
    """
    started = time.perf_counter()
    config, problems = context.config, _Problems()
    with problems.collected():
        check_lists_output(config, context.config_file)
    missing = {path.key for path in read_paths(config, None) if not _exists(path, problems)}
    sources: list[FirstRows] = []
    files, catalog = 0, None
    if not any(key.startswith("events.") for key in missing):
        with tempfile.TemporaryDirectory(prefix="als-check-") as folder, problems.collected():
            spool = Path(folder)
            every = find_sources(config.events, context.stdin, spool, first_rows=FIRST_ROWS)
            files = len(every)
            sources = _checked(_spread(every), config.events, spool, problems)
            if _CATALOG not in missing:
                catalog = _catalog(context, sources, problems)
    return CheckReport(
        ok=not problems.found,
        exit_code=problems.found[0].exit_code if problems.found else 0,
        files=files,
        sources=tuple(_described(one, config.events) for one in sources),
        catalog=catalog,
        problems=tuple(problems.found),
        warnings=tuple(_warnings(sources, catalog)),
        seconds=time.perf_counter() - started,
    )


def _exists(path: ReadPath, problems: _Problems) -> bool:
    try:
        find_files(path.path)
    except AlsError as failure:
        problems.add(f"{path.key}: {failure.message}", failure.hint, failure.exit_code)
        return False
    return True


def _spread(sources: Sequence[Source]) -> list[Source]:
    if len(sources) <= _MAXIMUM_FILES:
        return list(sources)
    last = len(sources) - 1
    return [sources[round(number * last / (_MAXIMUM_FILES - 1))] for number in range(_MAXIMUM_FILES)]


def _checked(
    sources: Sequence[Source], config: EventsConfig, spool: Path, problems: _Problems
) -> list[FirstRows]:
    clock, found = datetime.now(UTC), []
    names = {role: {source.columns.get(role) for source in sources} for role in ROLES}
    shared = {role for role, columns in names.items() if len(columns) == 1}
    for source in sources:
        with problems.collected():
            found.append(first_rows(source, config, clock, spool, shared))
    with problems.collected():
        common_type(config.id_types.user, [one.probed.user for one in found], side="user")
        common_type(config.id_types.item, [one.probed.item for one in found], side="item")
    warn_of([one.probed for one in found], config)
    _add_bad_rows(found, config, problems)
    return found


def _add_bad_rows(found: Sequence[FirstRows], config: EventsConfig, problems: _Problems) -> None:
    """Add a problem if a run would stop because of rows like these."""
    for one in found:
        if one.probed.rows and not one.clean.height and not one.rejected.height:
            types = ", ".join(map(repr, list(one.probed.types)[:5])) or "none"
            problems.add(
                f"{one.probed.source.file.shown}: events.where and events.types drop all of the first"
                f" {counted(one.probed.rows, 'row')}",
                f"check both keys; event types of the rows that events.where keeps: {types}",
                3,
            )
    bad = sum(one.rejected.height for one in found)
    rows = bad + sum(one.clean.height for one in found)
    if too_many(bad, rows, config):
        worst = max(found, key=lambda one: one.rejected.height)
        reason, meaning, count, row, example = max(meanings(worst.rejected), key=lambda entry: entry[2])
        problems.add(
            f"{bad:,} of {counted(rows, 'row')} {'is' if rows == 1 else 'are'} bad, mostly {reason}: {meaning} (for example {counted(count, 'row')} of "
            f"{worst.probed.source.file.shown}, row {row:,}: {example})",
            worst.hints.get(
                reason, "correct the source or events.columns, or drop the rows with events.where"
            ),
            3,
        )


def _catalog(
    context: StageContext, sources: Sequence[FirstRows], problems: _Problems
) -> CatalogCheckReport | None:
    recommend = context.config.recommend
    for table in id_tables(recommend):
        if table.is_found:  # if not, this is a problem already
            with problems.collected():
                table.check()
    items = recommend.items
    clean = [one.clean["item_id"] for one in sources if one.clean.height]
    if items is None or items.catalog is None or not clean:
        return None
    dtype = common_type(
        context.config.events.id_types.item, [one.probed.item for one in sources], side="item"
    )
    ids = pl.concat([one.cast(dtype) for one in clean]).unique()
    catalog = read_catalog(items, dtype, needs=catalog_needs(recommend), instant=context.config.events.as_of)
    if catalog is None:
        return None
    with problems.collected():
        check_catalog(recommend, catalog)
    joined = int((rows_of(catalog.item_ids.drop_nulls().unique(), ids) >= 0).sum())
    if joined == 0:
        problems.add(
            f"{items.catalog}: no item of the first rows is in the catalogue; it has {catalog.examples}, the events "
            f"have {', '.join(repr(one) for one in ids.sort().head(_EXAMPLES))}",
            "check recommend.items.columns.item, and the type of ids in events.id_types.item",
            3,
        )
    return CatalogCheckReport(
        path=items.catalog,
        rows=len(catalog.item_ids),
        items=len(ids),
        joined=joined,
        has_titles=catalog.titles is not None,
    )


def _warnings(sources: Sequence[FirstRows], catalog: CatalogCheckReport | None) -> Iterator[str]:
    """Yield what is allowed, but often a mistake."""
    clock = datetime.now(UTC)
    for one in sources:
        yield from (f"{one.probed.source.file.shown}: {hint}" for hint in unit_hints([one.probed], clock))
    yield from _placeholder(sources)
    if catalog is not None and 0 < catalog.joined < _JOINED * catalog.items:
        yield (
            f"{catalog.path} has only {catalog.joined:,} of {counted(catalog.items, 'item')}; the other items are not recommended"
        )


def _placeholder(sources: Sequence[FirstRows]) -> Iterator[str]:
    """Yield a warning if one user has so many events that the id may stand for unknown users."""
    users = pl.concat([pl.Series("user", [], pl.String), *(_texts(one.clean["user_id"]) for one in sources)])
    if users.is_empty():
        return
    user, events = users.value_counts(sort=True).row(0)
    if events > max(_LARGE_USER * len(users), _TIMES_MEAN * len(users) / users.n_unique()):
        yield (
            f"user {_short(user)!r} has {events / len(users):.0%} of the first {len(users):,} events; it may be a"
            " placeholder for unknown users: then leave it out with events.where"
        )


def _texts(ids: pl.Series) -> pl.Series:
    return ids.cast(pl.String).alias("user")


def _described(one: FirstRows, config: EventsConfig) -> SourceCheckReport:
    probed = one.probed
    dropped = {
        "where": probed.outside,
        "unlisted_type": sum(unlisted(probed.types, config).values()),
        "later": probed.later.events if probed.later else 0,
    }
    weights = config.types or {}
    other = 1.0 if config.types is None else None
    return SourceCheckReport(
        path=probed.source.file.name,
        rows=probed.rows,
        kept=one.clean.height,
        dropped={cause: rows for cause, rows in dropped.items() if rows},
        timestamp_format=probed.form if probed.time is not None else None,
        first_time=_instant(one.clean["timestamp"].min),
        last_time=_instant(one.clean["timestamp"].max),
        types={name: weights.get(name, other) for name in probed.types},
        columns=tuple(_column(one, role) for role in one.parsed_types),
        rejected=tuple(
            RejectedReport(
                reason=reason,
                meaning=meaning,
                rows=rows,
                row=row,
                example=example,
                hint=one.hints.get(reason),
            )
            for reason, meaning, rows, row, example in meanings(one.rejected)
        ),
    )


def _column(one: FirstRows, role: str) -> ColumnReport:
    pairs = one.rows.select(f"raw {role}", f"parsed {role}").filter(pl.col(f"raw {role}").is_not_null())
    examples = pairs.unique(maintain_order=True).head(_EXAMPLES)
    return ColumnReport(
        role=role,
        column=one.probed.source.columns[role],
        type=_type_name(one.probed.source.dtypes[role]),
        parsed=_type_name(one.parsed_types[role]),
        values=pairs.height,
        distinct=pairs[f"raw {role}"].n_unique(),
        examples=tuple(
            ExampleReport(raw=_short(before), parsed=None if after is None else _short(after))
            for before, after in examples.iter_rows()
        ),
    )


def _type_name(dtype: pl.DataType) -> str:
    if isinstance(dtype, pl.Datetime):
        return f"Datetime[{dtype.time_unit}{', ' + dtype.time_zone if dtype.time_zone else ''}]"
    return str(dtype)


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _instant(of: Callable[[], Any]) -> datetime | None:
    found = of()
    return found if isinstance(found, datetime) else None
