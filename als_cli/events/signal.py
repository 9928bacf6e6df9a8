"""The weight of an event: the weight of its type times its capped and transformed value."""

from datetime import datetime

import polars as pl

from als_cli.config.events import EventsConfig


def event_weight(config: EventsConfig, event_type: pl.Expr, value: pl.Expr) -> pl.Expr:
    """Return the weight of an event before decay, Float64: type weight x transform(capped value).

    Without `events.types` every type has weight 1. The transform keeps the sign: -3 becomes -log1p(3).
    """
    return _type_weight(config, event_type) * _transformed(config, value)


def _type_weight(config: EventsConfig, event_type: pl.Expr) -> pl.Expr:
    """Return the weight of an event type, Float64, or null for a type that is not listed."""
    if config.types is None:
        return pl.lit(1.0)
    # polars streams a chain of conditions. replace_strict would hold the whole column in memory.
    weight = pl.lit(None, pl.Float64)
    for name, of_type in config.types.items():
        weight = pl.when(event_type == name).then(pl.lit(of_type)).otherwise(weight)
    return weight


def _transformed(config: EventsConfig, value: pl.Expr) -> pl.Expr:
    """Return the capped and transformed `value`, Float64."""
    if config.value_cap is not None:
        value = value.clip(-config.value_cap, config.value_cap)
    return value.sign() * value.abs().log1p() if config.value_transform == "log1p" else value


def decay(config: EventsConfig, now: datetime | None) -> pl.Expr:
    """Return the decay factor of an event at `now`, Float64: 0.5 ** (age / `half_life`), and 1 for later events."""
    if config.half_life is None or now is None:
        return pl.lit(1.0)
    age = (
        (pl.lit(now).dt.cast_time_unit("us") - pl.col("timestamp"))
        .dt.total_microseconds()
        .clip(lower_bound=0)
    )
    half_lives = age / (config.half_life.total_seconds() * 1e6)
    return pl.lit(0.5).pow(half_lives)
