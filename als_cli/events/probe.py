"""The probe of a source: the number of rows and the types of its ids, times and events.

The probe reads the whole file before any row is converted, so that all rows of a column are converted in the same way.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from als_cli.config.events import EventsConfig
from als_cli.errors import DataError
from als_cli.events.ids import IdFacts, as_id, is_plain_integer, plain_id
from als_cli.events.later import LaterEvents, without_later
from als_cli.events.sources import Source
from als_cli.events.times import TimeFacts, check_format, plain_time, time_facts, time_figures, time_format
from als_cli.tables.scan import reading

_NUMBER = pl.col("value").cast(pl.Float64, strict=False)
_STEP = (
    pl.when(_NUMBER.is_between(0, 10) & ((_NUMBER * 2).round() == _NUMBER * 2)).then(_NUMBER).alias("value")
)
"""A value that may be a rating, or null."""


@dataclass(frozen=True)
class Probed:
    """A source and the figures of its probe."""

    source: Source
    plain: pl.LazyFrame
    """row, kept, and one column per mapped role. Blanks and NaN are null. Has only rows that `as_of`, `where`
    and `types` keep."""
    dtypes: dict[str, pl.DataType]
    """Types of `plain`."""
    rows: int
    """Rows of the file."""
    outside: int
    """Rows that `events.where` drops."""
    types: dict[str, int]
    """Rows that `events.where` keeps, by event type, without null."""
    values: dict[float | None, int]
    """Rows of `plain` by value 0, 0.5, …, 10; all other values count under None. Blank values are not counted."""
    user: IdFacts
    item: IdFacts
    time: TimeFacts | None
    form: str
    """The timestamp format of the source."""
    later: LaterEvents | None
    """The events after `events.as_of`, None without this key. Of the other fields, only `rows` counts them."""


def probe(source: Source, config: EventsConfig, clock: datetime) -> Probed:
    """Return `source` with its counts and types. An epoch unit is inferred only if it fits times up to `clock`.

    Raises
    ------
    ConfigError
        `events.where` cannot be applied to the file, or `events.timestamp_format` is not a timestamp format.
    DataError
        The file cannot be read, the type of a column does not fit its role, or the unit of the times is unknown.
    """
    check_format(config.timestamp_format)
    later = None
    if config.as_of is not None:
        source, later = without_later(source, config, config.as_of, clock)
    every = _plain(source, config.where)
    with reading(source.file.shown, source.fmt):
        dtypes = dict(every.collect_schema())
        inside = _inside(config, dtypes)
        facts = every.select(pl.len(), (~pl.col("kept")).sum().alias("outside"), *_facts(dtypes, inside))
        counts = {
            role: every.filter(rows, pl.col(role).is_not_null()).group_by(group).agg(pl.len())
            for role, (rows, group) in {
                "type": (pl.col("kept"), pl.col("type")),
                "value": (inside, _STEP),
            }.items()
            if role in dtypes
        }
        answers = pl.collect_all([facts, *counts.values()], engine="streaming")
    found = answers[0].row(0, named=True)
    rows_by = {role: dict(table.iter_rows()) for role, table in zip(counts, answers[1:], strict=True)}
    time, form = None, "auto"
    if "timestamp" in dtypes:
        time = time_facts(source.file.shown, source.columns["timestamp"], dtypes["timestamp"], found)
        form = later.form if later else time_format(config.timestamp_format, time, clock)
    return Probed(
        source=source,
        plain=every.filter(inside),
        dtypes=dtypes,
        rows=found["len"] + (later.events if later else 0),
        outside=found["outside"],
        types=dict(sorted(rows_by.get("type", {}).items())),
        values=rows_by.get("value", {}),
        user=_id_facts(source, "user", dtypes, found),
        item=_id_facts(source, "item", dtypes, found),
        time=time,
        form=form,
        later=later,
    )


def types_of(probed: Sequence[Probed]) -> dict[str, int]:
    """Return the rows that `events.where` keeps per event type, over all sources, most frequent first."""
    total: Counter[str] = Counter()
    for file in probed:
        total.update(file.types)
    return dict(total.most_common())


def unlisted(types: dict[str, int], config: EventsConfig) -> dict[str, int]:
    """Return the dropped rows per event type: types that `events.types` does not list, with `unlisted_types: drop`."""
    if config.types is None or config.unlisted_types == "reject":
        return {}
    return {name: rows for name, rows in types.items() if name not in config.types}


def _inside(config: EventsConfig, dtypes: dict[str, pl.DataType]) -> pl.Expr:
    if config.types is None or config.unlisted_types == "reject" or "type" not in dtypes:
        return pl.col("kept")
    return pl.col("kept") & (pl.col("type").is_null() | pl.col("type").is_in(list(config.types)))


def _facts(dtypes: dict[str, pl.DataType], inside: pl.Expr) -> list[pl.Expr]:
    facts = []
    for side in ("user", "item"):
        plain = pl.col(side)
        facts.append((inside & plain.is_not_null()).sum().alias(f"{side}_ids"))
        facts.append((inside & is_plain_integer(plain, dtypes[side])).sum().alias(f"{side}_integers"))
    if "timestamp" in dtypes:
        facts += time_figures(dtypes["timestamp"], inside)
    return facts


def _id_facts(source: Source, side: str, dtypes: dict[str, pl.DataType], found: dict[str, int]) -> IdFacts:
    ids, integers = found[f"{side}_ids"], found[f"{side}_integers"]
    return IdFacts(source.file.shown, source.columns[side], dtypes[side], ids, integers)


def _plain(source: Source, where: str | None) -> pl.LazyFrame:
    """Return row, kept (whether `where` is true) and one column per role. Blanks and NaN are null, and categories are text."""
    shapes = {
        "user": plain_id,
        "item": plain_id,
        "timestamp": plain_time,
        "type": _plain_type,
        "value": _plain_value,
        "title": _plain_title,
    }
    roles = [
        shapes[role](role, dtype, column=source.columns[role], file=source.file.shown).alias(role)
        for role, dtype in source.dtypes.items()
    ]
    return source.raw(where).select("row", "kept", *roles)


def _plain_type(name: str, dtype: pl.DataType, *, column: str, file: str) -> pl.Expr:
    plain = plain_id(name, dtype, column=column, file=file)
    return as_id(plain, pl.Float64() if dtype.is_float() else pl.Int8(), pl.String())


def _plain_value(name: str, dtype: pl.DataType, *, column: str, file: str) -> pl.Expr:
    if dtype.is_numeric() or dtype == pl.Boolean:
        return pl.col(name).cast(pl.Float64)
    if dtype in (pl.String, pl.Categorical, pl.Enum, pl.Null):
        text = pl.col(name).cast(pl.String).str.strip_chars()
        return pl.when(text != "").then(text)
    raise DataError(
        f"{file}: column {column!r} holds {dtype}, which is not a number",
        hint="set events.columns.value to a numeric column",
    )


def _plain_title(name: str, dtype: pl.DataType, *, column: str, file: str) -> pl.Expr:
    if dtype.is_nested():
        raise DataError(
            f"{file}: column {column!r} holds {dtype}, which is not a title",
            hint="set events.columns.title to a column of texts",
        )
    text = pl.col(name).cast(pl.String, strict=False).str.strip_chars()
    return pl.when(text != "").then(text)
