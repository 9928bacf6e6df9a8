"""Warnings about events that can be used, but hardly as they were meant: no rows, equal weights, low ratings."""

import json
import logging
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence

import polars as pl

from als_cli.config.events import EventsConfig
from als_cli.events.probe import Probed, types_of

log = logging.getLogger(__name__)

_NAMES_SHOWN = 3
_TYPES_SHOWN = 8
_RATING_NAME = re.compile(r"rating|stars?\b|score|overall", re.IGNORECASE)
_FEWEST_RATINGS = 50
"""Rows that it takes to tell ratings from quantities by their distribution."""
_ODD_SHARE = 0.05
"""Fraction of other values that ratings may be mixed with."""
_LIKED = 0.8
"""Ratings from this fraction of the scale upwards mean that a user liked the item."""
_PLAIN_YAML = re.compile(r"(?!(true|false|yes|no|on|off|null|y|n)$)[A-Za-z][\w ./-]*", re.IGNORECASE)


def warn_of(probed: Sequence[Probed], config: EventsConfig) -> None:
    """Log a warning for each thing in the sources that is allowed and seldom meant."""
    _warn_of_files_without_rows(probed)
    _warn_of_equal_weights(probed, config)
    _warn_of_ratings(probed, config)


def looks_like_ratings(name: str, values: Mapping[float | None, int]) -> bool:
    """Return whether a column holds ratings rather than quantities.

    `values` are its rows by value, None for all values but 0, 0.5, …, 10. A column named like ratings may have any of
    these. Others must have all whole numbers up to 5 or 10, more high ones than low ones: users rate what they like,
    while small quantities are the most frequent.
    """
    steps = {value: rows for value, rows in values.items() if value is not None}
    if len(steps) < 3 or values.get(None, 0) > _ODD_SHARE * sum(values.values()):
        return False
    if _RATING_NAME.search(name):
        return True
    lowest, highest = min(steps), max(steps)
    rows = sum(steps.values())
    mean = sum(value * rows for value, rows in steps.items()) / rows
    return (
        rows >= _FEWEST_RATINGS
        and lowest in (0.5, 1)
        and highest in (5, 10)
        and all(whole in steps for whole in range(math.ceil(lowest), int(highest) + 1))
        and mean >= (lowest + highest) / 2
        and max(steps, key=lambda value: steps[value]) > lowest
    )


def condition_on(name: str, comparison: str) -> str:
    """Return a condition on column `name` as YAML writes it, for example ``rating >= 4`` or ``'"3" >= 4'``."""
    try:
        plain = pl.sql_expr(f"{name} {comparison}").meta.root_names() == [name]
    except pl.exceptions.PolarsError:
        plain = False
    if plain:
        return f"{name} {comparison}"
    quoted = '"' + name.replace('"', '""').replace("'", "''") + '"'
    return f"'{quoted} {comparison}'"


def _warn_of_files_without_rows(probed: Sequence[Probed]) -> None:
    empty = [one.source.file.shown for one in probed if one.rows == 0]
    if empty:
        more = ", …" if len(empty) > _NAMES_SHOWN else ""
        names = ", ".join(empty[:_NAMES_SHOWN]) + more
        log.warning("%d of %d event files have no rows: %s", len(empty), len(probed), names)


def _warn_of_equal_weights(probed: Sequence[Probed], config: EventsConfig) -> None:
    found = types_of(probed)
    if config.types is not None or len(found) < 2:
        return
    shown = list(found)[:_TYPES_SHOWN]
    more = ", …" if len(found) > _TYPES_SHOWN else ""
    log.warning(
        "events.columns.type: all %d types of events weigh the same: %s; to weigh them, set "
        "events.types: {%s} with larger numbers for stronger signals (types that are not listed are dropped)",
        len(found),
        ", ".join(f"{name} ({found[name]} rows)" for name in shown) + more,
        ", ".join(f"{_yaml_key(name)}: 1" for name in shown) + more,
    )


def _yaml_key(name: str) -> str:
    return name if _PLAIN_YAML.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def _warn_of_ratings(probed: Sequence[Probed], config: EventsConfig) -> None:
    columns = list(dict.fromkeys(one.source.columns["value"] for one in probed if "value" in one.dtypes))
    for name in columns:
        values: Counter[float | None] = Counter()
        for one in probed:
            if one.source.columns.get("value") == name:
                values.update(one.values)
        if looks_like_ratings(name, values):
            _warn_of_low_ratings(name, values, config)


def _warn_of_low_ratings(name: str, values: Mapping[float | None, int], config: EventsConfig) -> None:
    steps = {value: rows for value, rows in values.items() if value is not None}
    liked = _LIKED * (5 if max(steps) <= 5 else 10)
    low = sum(rows for value, rows in steps.items() if value < liked)
    if low == 0:
        return
    condition = condition_on(name, f">= {liked:g}")
    log.warning(
        "events.columns.value: %r looks like ratings from %g to %g; the %d ratings below %g count as liking too, "
        "only weaker; to leave them out, %s: %s; to count them against the item, map the column as "
        "events.columns.type and give low ratings a negative weight in events.types",
        name,
        min(steps),
        max(steps),
        low,
        liked,
        "set events.where" if config.where is None else "add to events.where",
        condition,
    )
