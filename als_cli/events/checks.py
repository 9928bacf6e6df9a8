"""Row checks: each row gets its final columns and, where something is wrong, the first reason why."""

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from als_cli.config.events import EventsConfig
from als_cli.events.ids import as_id
from als_cli.events.probe import Probed
from als_cli.events.signal import event_weight
from als_cli.events.times import UTC_MICROSECONDS, as_time

REASONS = {
    "null_user": "no user id",
    "unreadable_user": "the user id is no integer, though events.id_types.user asks for one",
    "null_item": "no item id",
    "unreadable_item": "the item id is no integer, though events.id_types.item asks for one",
    "null_time": "no timestamp",
    "unreadable_time": "the timestamp cannot be read",
    "future_time": "the timestamp lies in the future",
    "null_type": "no event type",
    "unknown_type": "the event type is not listed in events.types",
    "null_value": "no value",
    "unreadable_value": "the value is no number",
    "nonfinite_value": "the value is NaN or infinite",
    "negative_value": "the value is negative",
}
"""Why a row is rejected, in the order in which the checks are made."""

REJECTED_COLUMNS = ("source", "row", "reason", "user", "item", "timestamp", "type", "value")
"""rejected.parquet: the file as it was named, the row from 1, the first reason, and the raw fields as text."""

_YEAR_ONE = pl.lit(datetime(1, 1, 1)).dt.replace_time_zone("UTC")  # noqa: DTZ001 - made UTC right away


@dataclass(frozen=True)
class Reading:
    """How the columns of all sources are read."""

    user_type: pl.DataType
    item_type: pl.DataType
    latest: datetime
    """Events after this instant are future_time."""


def checked(probed: Probed, form: str, how: Reading, config: EventsConfig) -> pl.LazyFrame:
    """Return source, row, reason (null where the row is good), the clean columns, and the raw fields as text.

    The clean columns are CLEAN_EVENT_COLUMNS and event_type; the raw fields have the names of REJECTED_COLUMNS.
    `form` is the source's timestamp format.
    """
    dtypes = probed.dtypes
    role = {name: pl.col(name) if name in dtypes else None for name in ("timestamp", "type", "value")}
    time, value = role["timestamp"], role["value"]
    final = probed.plain.select(
        pl.lit(probed.source.file.name).alias("source"),
        pl.col("row").cast(pl.Int64),
        *[_as_text(name, name in dtypes) for name in REJECTED_COLUMNS[3:]],
        as_id(pl.col("user"), dtypes["user"], how.user_type).alias("user_id"),
        as_id(pl.col("item"), dtypes["item"], how.item_type).alias("item_id"),
        (pl.lit(None, UTC_MICROSECONDS) if time is None else as_time(time, dtypes["timestamp"], form)).alias(
            "time"
        ),
        (pl.lit(1.0) if value is None else value.cast(pl.Float64, strict=False)).alias("number"),
    )
    # The raw `timestamp` and `value` become `raw_…`: the clean columns have the documented names.
    final = final.with_columns(_reason(set(dtypes), how, config).alias("reason"))
    weight = event_weight(config, pl.col("type"), pl.col("number"))
    return final.with_columns(weight.alias("weight"))


def clean_events(rows: pl.LazyFrame, config: EventsConfig) -> pl.LazyFrame:
    """Return the good rows: CLEAN_EVENT_COLUMNS, then type (raw text)."""
    good = rows.filter(pl.col("reason").is_null())
    if config.negative == "drop":
        good = good.filter(pl.col("number") >= 0)
    renamed = (pl.col("time").alias("timestamp"), "weight", pl.col("number").alias("value"))
    return good.select("user_id", "item_id", *renamed, "type")


def rejected_rows(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Return the bad rows with REJECTED_COLUMNS."""
    return rows.filter(pl.col("reason").is_not_null()).select(REJECTED_COLUMNS)


def _as_text(name: str, mapped: bool) -> pl.Expr:
    return (pl.col(name).cast(pl.String) if mapped else pl.lit(None, pl.String)).alias(name)


def _reason(mapped: set[str], how: Reading, config: EventsConfig) -> pl.Expr:
    """Return the first reason against a row, null for a good one."""
    user, item, time, number = (pl.col(name) for name in ("user_id", "item_id", "time", "number"))
    failed = {
        "null_user": pl.col("user").is_null(),
        "unreadable_user": user.is_null(),
        "null_item": pl.col("item").is_null(),
        "unreadable_item": item.is_null(),
    }
    if "timestamp" in mapped:
        failed["null_time"] = pl.col("timestamp").is_null()
        failed["unreadable_time"] = time.is_null() | (time < _YEAR_ONE)
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
    return pl.coalesce(pl.when(failed[reason]).then(pl.lit(reason)) for reason in REASONS if reason in failed)
