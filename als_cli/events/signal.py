"""What an event is worth: the weight of its type times its value, capped and transformed."""

from datetime import datetime

import polars as pl

from als_cli.config.events import EventsConfig


def event_weight(config: EventsConfig, event_type: pl.Expr, value: pl.Expr) -> pl.Expr:
    """Return the weight of an event before decay, Float64: type weight x transform(value within the cap).

    Without `events.types` every type weighs 1. The transform keeps the sign: log1p(-3) counts as -log1p(3).
    """
    return type_weight(config, event_type) * transformed(config, value)


def type_weight(config: EventsConfig, event_type: pl.Expr) -> pl.Expr:
    """Return the weight of an event type, Float64, null where it is not listed."""
    if config.types is None:
        return pl.lit(1.0)
    # A chain of conditions streams; replace_strict would collect the whole column in memory.
    weight = pl.lit(None, pl.Float64)
    for name, of_type in config.types.items():
        weight = pl.when(event_type == name).then(pl.lit(of_type)).otherwise(weight)
    return weight


def transformed(config: EventsConfig, value: pl.Expr) -> pl.Expr:
    """Return `value` within the cap and transformed, Float64."""
    if config.value_cap is not None:
        value = value.clip(-config.value_cap, config.value_cap)
    return value.sign() * value.abs().log1p() if config.value_transform == "log1p" else value


def decay(config: EventsConfig, now: datetime | None) -> pl.Expr:
    """Return the factor of an event's weight at `now`, Float64: halved with every `half_life`, 1 for later events."""
    if config.half_life is None or now is None:
        return pl.lit(1.0)
    age = (
        (pl.lit(now).dt.cast_time_unit("us") - pl.col("timestamp"))
        .dt.total_microseconds()
        .clip(lower_bound=0)
    )
    half_lives = age / (config.half_life.total_seconds() * 1e6)
    return pl.lit(0.5).pow(half_lives)
