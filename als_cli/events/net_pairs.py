"""The one rule for which user-item pairs exist, and the strength of each.

Weights and values are added in 128-bit fixed point, where addition is associative: neither the order of the events nor
the number of threads changes a result.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import polars as pl

Duplicates = Literal["sum", "exact", "last", "max"]
"""How the events of a pair combine: `events.duplicates`."""

_SUM_BITS = 120
"""Bits that the largest possible sum of weights may take of the 127 of an Int128."""
_VALUE_GRID = 1e9
"""Values are added in billionths, so that 0.1 + 0.2 bought and 0.3 returned add up to zero."""
_LARGEST_VALUE = 1e24
_NOISE = 10**9
"""Weights that cancel to less than this fraction of their total magnitude add up to zero."""


@dataclass(frozen=True)
class Extremes:
    """What must be known about all events before they can be added."""

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
    """Return the pairs of `events` that exist: columns `by`, strength (Float32, positive), events (UInt32), first_time, last_time.

    `events` has columns `by`, timestamp, weight and value; `extremes` are those of all events. A pair exists when both
    of these hold, whatever the transform of its values:

    * Its values add up to more than zero: what was bought and returned leaves no trace, for every `duplicates`.
    * Its strength is positive: the sum of its weights (`sum`, `exact`), the weight of its newest event (`last`; of
      several the largest) or its largest weight (`max`).
    """
    bits = _fixed_point_bits(extremes)
    columns = {"weight": (pl.col("weight") * 2.0**bits).cast(pl.Int128)}
    exists = []
    if extremes.any_negative_weight and duplicates in ("sum", "exact"):
        # 0.1 + 0.2 - 0.3 leaves rounding noise, which is no strength.
        exists.append(pl.col("weight").sum() > pl.col("weight").abs().sum() // _NOISE)
    if extremes.any_negative_value:
        bounded = pl.col("value").clip(-_LARGEST_VALUE, _LARGEST_VALUE)
        columns["value"] = (bounded * _VALUE_GRID).round().cast(pl.Int128)
        # Values too small for the grid count as well where nothing is taken away.
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
    """Return how many bits after the binary point leave room for the sum of all events' weights."""
    largest_sum = math.frexp(extremes.largest_weight)[1] + extremes.events.bit_length()
    return min(_SUM_BITS - largest_sum, 1000)
