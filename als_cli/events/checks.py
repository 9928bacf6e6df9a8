"""Row checks: each row gets typed columns, and a broken row gets the first reason for its rejection."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from als_cli.config.events import EventsConfig
from als_cli.events.ids import as_id
from als_cli.events.probe import Probed
from als_cli.events.signal import event_weight
from als_cli.events.times import UTC_MICROSECONDS, as_time, is_unreadable, within_calendar

REASONS = {
    "null_user": "no user id",
    "unreadable_user": "the user id is not an integer, but events.id_types.user requires one",
    "null_item": "no item id",
    "unreadable_item": "the item id is not an integer, but events.id_types.item requires one",
    "null_time": "no timestamp",
    "unreadable_time": "the timestamp cannot be read, or is before the year 1000",
    "future_time": "the timestamp is in the future",
    "null_type": "no event type",
    "unknown_type": "the event type is not listed in events.types",
    "null_value": "no value",
    "unreadable_value": "the value is not a number",
    "nonfinite_value": "the value is NaN or infinite",
    "negative_value": "the value is negative",
}
"""The reasons for which a row is rejected, in the order of the checks."""

CLEAN_EVENT_COLUMNS = ("user_id", "item_id", "timestamp", "weight", "value")
"""Columns of a clean event.

The ids have their final type. timestamp is Datetime[us, UTC], null if the events have no timestamps. weight is Float64:
type weight x transformed value, before decay. value is Float64: the raw value, or 1 without a value column.

If a source maps the type of its events, column type (String) follows. It is null for events of a source without types.
"""

REJECTED_COLUMNS = ("source", "row", "reason", "user", "item", "timestamp", "type", "value")
"""Columns of rejected.parquet: the file name as given, the row from 1, the first reason, and the raw fields as text."""

_NO_TIMESTAMP = pl.lit(None, UTC_MICROSECONDS)


@dataclass(frozen=True)
class Reading:
    """The id types and the latest valid time of all sources."""

    user_type: pl.DataType
    item_type: pl.DataType
    latest: datetime
    """Later events are rejected as future_time."""


@dataclass(frozen=True)
class Checked:
    """The rows of one source with their checks."""

    rows: pl.LazyFrame
    """The plain columns, the typed columns user_id, item_id, time and number, and bad (Boolean)."""
    failed: dict[str, pl.Expr]
    """The check of each reason, an expression on `rows`, in the order of REASONS."""
    file: str
    """The file name as given."""
    dtypes: dict[str, pl.DataType]
    """Types of the plain columns."""


def checked(probed: Probed, how: Reading, config: EventsConfig) -> Checked:
    """Return the rows of a source with their checks. `how` has the id types."""
    dtypes = probed.dtypes
    absent = [pl.lit(None, pl.String).alias(name) for name in REJECTED_COLUMNS[3:] if name not in dtypes]
    has_time = "timestamp" in dtypes
    time = as_time(pl.col("timestamp"), dtypes["timestamp"], probed.form) if has_time else _NO_TIMESTAMP
    number = pl.col("value").cast(pl.Float64, strict=False) if "value" in dtypes else pl.lit(1.0)
    rows = probed.plain.with_columns(
        *absent,
        as_id(pl.col("user"), dtypes["user"], how.user_type).alias("user_id"),
        as_id(pl.col("item"), dtypes["item"], how.item_type).alias("item_id"),
        time.alias("time"),
        number.alias("number"),
    )
    failed = _failed(set(dtypes), how, config)
    # Only this flag is computed for all rows. Bad rows are few, and only they need a reason and text fields.
    bad = pl.any_horizontal(failed.values()).fill_null(value=False)
    return Checked(rows.with_columns(bad.alias("bad")), failed, probed.source.file.name, dtypes)


def clean_events(source: Checked, config: EventsConfig) -> pl.LazyFrame:
    """Return the good rows with CLEAN_EVENT_COLUMNS and type (String)."""
    good = source.rows.filter(~pl.col("bad"))
    if config.negative == "drop":
        good = good.filter(pl.col("number") >= 0)
    weight = event_weight(config, pl.col("type"), pl.col("number"))
    return good.select(
        "user_id",
        "item_id",
        pl.col("time").alias("timestamp"),
        weight.alias("weight"),
        pl.col("number").alias("value"),
        "type",
    )


def rejected_rows(source: Checked) -> pl.LazyFrame:
    """Return the bad rows with REJECTED_COLUMNS."""
    reason = pl.coalesce(pl.when(check).then(pl.lit(reason)) for reason, check in source.failed.items())
    bad = source.rows.filter("bad").with_columns(reason.alias("reason"), pl.lit(source.file).alias("source"))
    return bad.select(
        "source",
        pl.col("row").cast(pl.Int64),
        "reason",
        *[raw_text(name, source.dtypes) for name in REJECTED_COLUMNS[3:]],
    )


def raw_text(name: str, dtypes: Mapping[str, pl.DataType]) -> pl.Expr:
    """Return the raw column `name` of type ``dtypes[name]`` as text. A date that no calendar has is the number of days or units since 1970."""
    raw, dtype = pl.col(name), dtypes.get(name)
    if not isinstance(dtype, pl.Date | pl.Datetime):
        return raw.cast(pl.String)
    text = within_calendar(raw, dtype).cast(pl.String)
    return pl.coalesce(text, raw.to_physical().cast(pl.String)).alias(name)


def _failed(mapped: set[str], how: Reading, config: EventsConfig) -> dict[str, pl.Expr]:
    """Return the checks that the config and the mapped columns require, by reason, in the order of REASONS."""
    user, item, time, number = (pl.col(name) for name in ("user_id", "item_id", "time", "number"))
    failed = {
        "null_user": pl.col("user").is_null(),
        "unreadable_user": user.is_null(),
        "null_item": pl.col("item").is_null(),
        "unreadable_item": item.is_null(),
    }
    if "timestamp" in mapped:
        failed["null_time"] = pl.col("timestamp").is_null()
        failed["unreadable_time"] = is_unreadable(time)
        failed["future_time"] = time > pl.lit(how.latest).dt.cast_time_unit("us")
    if config.types is not None:
        failed["null_type"] = pl.col("type").is_null()
        failed["unknown_type"] = pl.col("type").is_in(list(config.types)).not_()
    if "value" in mapped:
        failed["null_value"] = pl.col("value").is_null()
        failed["unreadable_value"] = number.is_null()
        failed["nonfinite_value"] = number.is_finite().not_()
        if config.negative == "reject":
            failed["negative_value"] = number < 0
    return {reason: failed[reason] for reason in REASONS if reason in failed}
