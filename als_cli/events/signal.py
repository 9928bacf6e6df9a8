"""What an event is worth: the weight of its type times its value, capped and transformed."""

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
    return event_type.replace_strict(config.types, default=None, return_dtype=pl.Float64)


def transformed(config: EventsConfig, value: pl.Expr) -> pl.Expr:
    """Return `value` within the cap and transformed, Float64."""
    if config.value_cap is not None:
        value = value.clip(-config.value_cap, config.value_cap)
    return value.sign() * value.abs().log1p() if config.value_transform == "log1p" else value
