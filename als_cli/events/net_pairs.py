"""The rule that decides which user-item pairs exist, and the strength of each pair.

Weights and values are added in 128-bit fixed point, because its addition is associative. The result does not depend on
the order of the events or the number of threads.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import polars as pl

Duplicates = Literal["sum", "exact", "last", "max"]
"""How the events of a pair are combined: `events.duplicates`."""

_SUM_BITS = 120
"""Maximum number of bits for a sum of weights. An Int128 has 127."""
_VALUE_GRID = 1e9
"""Values are added in billionths, so that 0.1 + 0.2 - 0.3 is zero."""
_MAXIMUM_VALUE = 1e24
_NOISE = 10**9
"""A sum of weights below 1 / this number of the sum of their magnitudes counts as zero."""


@dataclass(frozen=True)
class Extremes:
    """Figures of all events that the fixed-point addition needs in advance."""

    events: int
    largest_weight: float
    any_negative_weight: bool
    any_negative_value: bool
    newest: datetime | None


def extremes_of(clean: pl.LazyFrame) -> Extremes:
    """Return the extremes of `clean` events (CLEAN_EVENT_COLUMNS)."""
    row = clean.select(
        pl.len().alias("events"),
        pl.col("weight").abs().max().fill_null(0.0).alias("largest_weight"),
        (pl.col("weight") < 0).any().alias("any_negative_weight"),
        (pl.col("value") < 0).any().alias("any_negative_value"),
        pl.col("timestamp").max().alias("newest"),
    ).collect(engine="streaming")
    return Extremes(**row.row(0, named=True))


def net_pairs(
    events: pl.LazyFrame, by: Sequence[str], duplicates: Duplicates, extremes: Extremes
) -> pl.LazyFrame:
    """Return the user-item pairs that exist in `events`, one row per pair.

    The columns are those of `by`, then strength (Float32, positive), events (UInt32), first_time and last_time.

    `events` has columns `by`, timestamp, weight and value. `extremes` are the extremes of all events. A pair exists if
    both conditions hold, for every transform of the values:

    * The sum of its values is above zero. A purchase that was returned leaves no pair, for every `duplicates`.
    * Its strength is positive. `sum` and `exact` add the weights. `last` takes the weight of the newest event, or the
      largest of several newest events. `max` takes the largest weight.
    """
    bits = _fixed_point_bits(extremes)
    columns = {"weight": (pl.col("weight") * 2.0**bits).cast(pl.Int128)}
    exists = []
    if extremes.any_negative_weight and duplicates in ("sum", "exact"):
        # The sum 0.1 + 0.2 - 0.3 is not exactly zero. This rounding error is not a strength.
        exists.append(pl.col("weight").sum() > pl.col("weight").abs().sum() // _NOISE)
    if extremes.any_negative_value:
        bounded = pl.col("value").clip(-_MAXIMUM_VALUE, _MAXIMUM_VALUE)
        columns["value"] = (bounded * _VALUE_GRID).round().cast(pl.Int128)
        # Without negative values the pair exists, even if its values are too small for the grid.
        exists.append((pl.col("value").sum() > 0) | (pl.col("value") >= 0).all())
    strength = (_combined(duplicates).cast(pl.Float64) / 2.0**bits).cast(pl.Float32)
    return (
        events.with_columns(**columns)
        .group_by(by)
        .agg(
            strength.alias("strength"),
            pl.len().cast(pl.UInt32).alias("events"),
            pl.col("timestamp").min().alias("first_time"),
            pl.col("timestamp").max().alias("last_time"),
            pl.all_horizontal(exists or [pl.lit(value=True)]).alias("exists"),
        )
        .filter("exists", pl.col("strength") > 0)
        .drop("exists")
    )


def _combined(duplicates: Duplicates) -> pl.Expr:
    weight = pl.col("weight")
    if duplicates == "last":
        return weight.sort_by("timestamp", "weight").last()
    return weight.max() if duplicates == "max" else weight.sum()


def _fixed_point_bits(extremes: Extremes) -> int:
    """Return the number of fraction bits with which the sum of all weights fits into `_SUM_BITS`."""
    largest_sum = math.frexp(extremes.largest_weight)[1] + extremes.events.bit_length()
    return min(_SUM_BITS - largest_sum, 1000)
