"""Warnings about valid events that are often a mistake: files without rows, equal weights, low ratings."""

import json
import logging
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence

import polars as pl

from als_cli.config.events import EventsConfig
from als_cli.errors import counted
from als_cli.events.probe import Probed, types_of

log = logging.getLogger(__name__)

_NAMES_SHOWN = 3
_TYPES_SHOWN = 8
_RATING_NAME = re.compile(r"rating|stars?\b|score|overall", re.IGNORECASE)
_MINIMUM_RATINGS = 50
"""Minimum number of rows to distinguish ratings from quantities by their distribution."""
_OTHER_FRACTION = 0.05
"""Maximum fraction of values that are not ratings in a column of ratings."""
_LIKED = 0.8
"""A rating of at least this fraction of the maximum means that the user liked the item."""
_PLAIN_YAML = re.compile(r"(?!(true|false|yes|no|on|off|null|y|n)$)[A-Za-z][\w ./-]*", re.IGNORECASE)


def warn_of(probed: Sequence[Probed], config: EventsConfig) -> None:
    """Log a warning for each property of the sources that is allowed but often a mistake."""
    _warn_of_files_without_rows(probed)
    _warn_of_equal_weights(probed, config)
    _warn_of_ratings(probed, config)


def looks_like_ratings(name: str, values: Mapping[float | None, int]) -> bool:
    """Return whether column `name` contains ratings and not quantities.

    `values` maps each value 0, 0.5, …, 10 to its number of rows, and None to the rows of all other values. If the
    name suggests ratings, any of these values are ratings. Otherwise, the column must contain all whole numbers up to
    5 or 10, and more high values than low values. Ratings are mostly high, and quantities are mostly small.
    """
    steps = {value: rows for value, rows in values.items() if value is not None}
    if len(steps) < 3 or values.get(None, 0) > _OTHER_FRACTION * sum(values.values()):
        return False
    if _RATING_NAME.search(name):
        return True
    lowest, highest = min(steps), max(steps)
    rows = sum(steps.values())
    mean = sum(value * rows for value, rows in steps.items()) / rows
    return (
        rows >= _MINIMUM_RATINGS
        and lowest in (0.5, 1)
        and highest in (5, 10)
        and all(whole in steps for whole in range(math.ceil(lowest), int(highest) + 1))
        and mean >= (lowest + highest) / 2
        and max(steps, key=lambda value: steps[value]) > lowest
    )


def condition_on(name: str, comparison: str) -> str:
    """Return a condition on column `name` in YAML syntax, for example ``rating >= 4`` or ``'"3" >= 4'``."""
    try:
        plain = pl.sql_expr(f"{name} {comparison}").meta.root_names() == [name]
    except pl.exceptions.PolarsError:
        plain = False
    if plain:
        return f"{name} {comparison}"
    quoted = '"' + name.replace('"', '""').replace("'", "''") + '"'
    return f"'{quoted} {comparison}'"


def _warn_of_files_without_rows(probed: Sequence[Probed]) -> None:
    empty = [file.source.file.shown for file in probed if file.rows == 0]
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
        "events.columns.type: all %d types of events have the same weight: %s; to set weights, use "
        "events.types: {%s} with larger numbers for stronger signals (types that are not listed are dropped)",
        len(found),
        ", ".join(f"{name} ({counted(found[name], 'row')})" for name in shown) + more,
        ", ".join(f"{_yaml_key(name)}: 1" for name in shown) + more,
    )


def _yaml_key(name: str) -> str:
    return name if _PLAIN_YAML.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def _warn_of_ratings(probed: Sequence[Probed], config: EventsConfig) -> None:
    columns = list(dict.fromkeys(file.source.columns["value"] for file in probed if "value" in file.dtypes))
    for name in columns:
        values: Counter[float | None] = Counter()
        for file in probed:
            if file.source.columns.get("value") == name:
                values.update(file.values)
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
        "events.columns.value: %r looks like ratings from %g to %g; the %d ratings below %g count as weak interest; "
        "to drop them, %s: %s; to count them as dislikes, map the column as events.columns.type and give low "
        "ratings a negative weight in events.types",
        name,
        min(steps),
        max(steps),
        low,
        liked,
        "set events.where" if config.where is None else "add to events.where",
        condition,
    )
