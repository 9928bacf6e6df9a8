"""Conditions on the rows: events without a user, low ratings, orders that were undone."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from als_cli.config.condition import check_condition
from als_cli.guessing.event_types import known_weight
from als_cli.guessing.facts import ColumnFacts, text_of
from als_cli.guessing.names import words_in
from als_cli.guessing.nested import quoted
from als_cli.guessing.roles import are_ratings

_TOLERATED = 0.01
"""Maximum fraction of rows without a value that needs no condition. They are rejected, which is tolerated."""
_LIKED = 0.8
_KEPT = 0.3
"""Minimum fraction of ratings that a condition must keep."""
_WORDS = {
    "user": "a recommender cannot use them",
    "item": "a recommender cannot use them",
    "timestamp": "they would be bad rows",
    "type": "they would be bad rows",
    "value": "they would be bad rows",
}


@dataclass(frozen=True)
class RowCondition:
    """A condition for `events.where`, and why."""

    sql: str
    reason: str
    role: str | None = None
    """The role of its column, None for a column without a role."""
    dropped: float = 0.0
    """Fraction of the rows that have no value, if the condition asks for one."""


def conditions_for(
    frame: pl.DataFrame,
    facts: Mapping[str, ColumnFacts],
    roles: Mapping[str, str],
    names: Mapping[str, str],
) -> list[RowCondition]:
    """Return the conditions that the columns of `roles` need. `names` has the column in the condition, by role."""
    found = []
    for role, column in roles.items():
        if role in _WORDS and column in facts:
            found += _without_value(role, facts[column], names[role])
    value = facts.get(roles.get("value", ""))
    if value is not None and are_ratings(frame, value):
        found += _liked(frame, value, names["value"])
    return [one for one in found if _is_allowed(one.sql)]


def undone_orders(frame: pl.DataFrame, facts: ColumnFacts) -> RowCondition | None:
    """Return a condition that leaves out refunded and cancelled orders by the column of their status, or None."""
    if "status" not in words_in(facts.name) or facts.distinct > 20:
        return None
    values = text_of(frame[facts.name]).drop_nulls().unique().sort().to_list()
    undone = [
        value for value in values if (known_weight(value) or 0) < -3 and "partially" not in value.lower()
    ]
    if not undone or len(undone) == len(values):
        return None
    name = quoted(facts.name)
    listed = ", ".join("'" + value.replace("'", "''") + "'" for value in undone)
    condition = RowCondition(
        f"({name} is null or {name} not in ({listed}))", f"orders that were undone, by {facts.name!r}"
    )
    return condition if _is_allowed(condition.sql) else None


def _without_value(role: str, facts: ColumnFacts, name: str) -> list[RowCondition]:
    # The texts NULL and \N would become ids, so a single row with one of them matters.
    if facts.blank_fraction <= _TOLERATED and not (facts.tokens and role in ("user", "item")):
        return []
    tokens = ", ".join(f"'{token}'" for token in facts.tokens)
    sql = f"{quoted(name)} is not null"
    if tokens:
        sql = f"trim({quoted(name)}) not in ('', {tokens})"
    elif facts.blank > facts.null and facts.dtype == pl.String:
        sql = f"trim({quoted(name)}) <> ''"
    fraction = f"{facts.blank_fraction:.0%}" if facts.blank_fraction >= _TOLERATED else f"{facts.blank:,}"
    instead = f", but {tokens}" if tokens else ""
    reason = f"{fraction} of the rows have no {role}{instead}; {_WORDS[role]}"
    return [RowCondition(sql, reason, role, facts.blank_fraction)]


def _liked(frame: pl.DataFrame, facts: ColumnFacts, name: str) -> list[RowCondition]:
    """Return the condition that keeps ratings of at least 80 % of the scale, if enough rows have them."""
    highest = 5 if (facts.highest or 0) <= 5 else 10
    limit = _LIKED * highest
    numbers = text_of(frame[facts.name]).cast(pl.Float64, strict=False)
    kept = float((numbers >= limit).mean() or 0)  # type: ignore[arg-type]
    if kept < _KEPT or kept == 1:
        return []
    reason = f"only items that users liked: {kept:.0%} of the ratings"
    return [RowCondition(f"{quoted(name)} >= {limit:g}", reason, "value")]


def _is_allowed(sql: str) -> bool:
    try:
        check_condition(sql)
    except ValueError:
        return False
    return True
