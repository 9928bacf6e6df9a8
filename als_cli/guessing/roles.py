"""The roles of columns: user, item, timestamp, type, value. Names, types and values are evidence."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import polars as pl

from als_cli.errors import counted
from als_cli.events.notices import looks_like_ratings
from als_cli.guessing.event_types import MAXIMUM_TYPES, known_weight
from als_cli.guessing.facts import ColumnFacts, text_of
from als_cli.guessing.guess import Guess
from als_cli.guessing.names import name_score
from als_cli.guessing.times import TimeGuess, guess_time

_MINIMUM = {"user": 0.3, "item": 0.3, "timestamp": 0.5, "type": 0.5, "value": 0.45}
_WITHOUT_NAME = 0.3
"""Score of a column of ids whose name is unknown."""
_MARGIN = 0.15
"""A guess is less sure if the next column has almost the same score."""
_BY_POSITION = 0.55
"""Score of a column of ids without a name. It is unsure: many exports have the item first."""
_BY_EXCLUSION = 0.7
"""Confidence if the other column of ids has the other role."""
_OTHER = {"user": "item", "item": "user"}
_STATED = 1.0
_USUAL = 0.8
"""Score of a name that is usual for a role."""
_LONG = 200


@dataclass(frozen=True)
class Columns:
    """The columns of a sample with their facts."""

    frame: pl.DataFrame
    facts: Mapping[str, ColumnFacts]
    times: Mapping[str, TimeGuess]
    """The format of each column that can hold times."""
    is_numbered: bool
    """Whether the columns are numbered because the text has no header."""


@dataclass(frozen=True)
class _Scored:
    column: str
    score: float
    reasons: tuple[str, ...]


def columns_of(
    frame: pl.DataFrame, facts: Mapping[str, ColumnFacts], clock: datetime, first: int, *, is_numbered: bool
) -> Columns:
    """Return the columns of `frame` with the formats of their times. Its `first` rows are consecutive rows of a file."""
    times = {}
    for name, one in facts.items():
        found = guess_time(frame[name], one, clock, first)
        if found is not None:
            times[name] = found
    return Columns(frame, facts, times, is_numbered)


def guess_roles(columns: Columns, stated: Mapping[str, str]) -> dict[str, Guess]:
    """Return the guessed column of each role that has one. `stated` has columns that the user named, by role.

    An empty name in `stated` means that the role has no column.
    """
    guesses = {
        role: Guess(f"events.columns.{role}", name, _STATED, ("given on the command line or in an answer",))
        for role, name in stated.items()
        if name
    }
    taken = {guess.value for guess in guesses.values()}
    for role in ("timestamp", "type", "value", "user", "item"):
        if role in stated:
            continue
        ranked = [one for one in _ranked(role, columns) if one.column not in taken]
        if role == "value" and columns.is_numbered:
            ranked = [one for one in ranked if _leaves_ids(columns, {*taken, one.column})]
        if ranked and ranked[0].score >= _MINIMUM[role]:
            guesses[role] = _guess(role, ranked, columns)
            if len(ranked) == 1 and columns.is_numbered and stated.get(_OTHER.get(role, "")):
                guesses[role] = _by_exclusion(guesses[role])
            taken.add(ranked[0].column)
    return guesses


def _by_exclusion(guess: Guess) -> Guess:
    reasons = ("it is the only other column that can hold ids",)
    return replace(guess, confidence=max(guess.confidence, _BY_EXCLUSION), reasons=reasons)


def _leaves_ids(columns: Columns, taken: set[str]) -> bool:
    """Return whether two columns of ids are left if those of `taken` have other roles."""
    return sum(one.is_id_like for name, one in columns.facts.items() if name not in taken) >= 2


def _guess(role: str, ranked: list[_Scored], columns: Columns) -> Guess:
    best = ranked[0]
    others = [one for one in ranked[1:] if one.score >= 0.5 * best.score]
    confidence, reasons = best.score, list(best.reasons)
    if others and role in ("user", "item", "timestamp") and not columns.is_numbered:
        lead = best.score - others[0].score
        if lead < _MARGIN:
            confidence -= min(0.3, (_MARGIN - lead) * 2)
            reasons.append(f"{_shown(others[0].column, columns)} is also possible")
    return Guess(
        f"events.columns.{role}",
        best.column,
        max(0.05, min(confidence, 0.99)),
        tuple(reasons),
        tuple(one.column for one in others[:5]),
    )


def _shown(name: str, columns: Columns) -> str:
    return f"column {name}" if columns.is_numbered else repr(name)


def _ranked(role: str, columns: Columns) -> list[_Scored]:
    """Return the columns that can have `role`, best first."""
    score = {"timestamp": _time_score, "type": _type_score, "value": _value_score}.get(role)
    if score is None:
        scored = [_id_score(role, one, columns) for one in columns.facts.values()]
    else:
        scored = [score(one, columns) for one in columns.facts.values()]
    return sorted((one for one in scored if one is not None), key=lambda one: -one.score)


def _id_score(role: str, facts: ColumnFacts, columns: Columns) -> _Scored | None:
    named = name_score(role, facts.name)
    # Client ids of web analytics are texts such as 1234567890.1700000000.
    is_long_text = facts.dtype == pl.String and facts.values > 0 and facts.length < _LONG
    if not (facts.is_id_like or (is_long_text and named >= _USUAL)):
        return None
    other = name_score("item" if role == "user" else "user", facts.name)
    reasons = [f"the name is usual for a column of {role}s"] if named >= 0.5 else []
    score = max(named, _WITHOUT_NAME if other < 0.5 else 0.1)
    if columns.is_numbered:
        score = max(score, _BY_POSITION)
        number = _number_of_ids(facts, columns)
        reasons.append(f"it is number {number} of the columns that can hold ids; users usually come first")
    if facts.emails and role == "user":
        score = max(score, 0.87)
        reasons.append("the values are email addresses")
    factor, doubts = _id_doubts(facts, columns, named)
    reasons += doubts
    if not doubts:
        reasons.append(f"{counted(facts.distinct, 'different value')} in {counted(facts.values, 'row')}")
    return _Scored(facts.name, score * factor, tuple(reasons))


def _id_doubts(facts: ColumnFacts, columns: Columns, named: float) -> tuple[float, list[str]]:
    factor, doubts = 1.0, []
    if facts.is_unique:
        factor *= 0.4
        doubts.append("no value occurs twice")
    if facts.distinct == 1:
        factor *= 0.4
        doubts.append("all rows have the same value")
    if facts.blank_fraction > 0.02:
        factor *= 1 - facts.blank_fraction / 2
        doubts.append(f"{facts.blank_fraction:.0%} of the rows have no value")
    if facts.name in columns.times and named < 0.5:
        factor *= 0.3
        doubts.append("the values look like times")
    if facts.length > 60:
        factor *= 0.4
        doubts.append("the values are long texts")
    if named < 0.5 and 1 < facts.distinct <= 10:
        factor *= 0.6
        doubts.append(f"only {facts.distinct} different values")
    return factor, doubts


def _number_of_ids(facts: ColumnFacts, columns: Columns) -> int:
    """Return how many columns up to `facts` can hold ids and no times."""
    return sum(
        one.is_id_like and name not in columns.times and one.position <= facts.position
        for name, one in columns.facts.items()
    )


def _time_score(facts: ColumnFacts, columns: Columns) -> _Scored | None:
    time = columns.times.get(facts.name)
    if time is None or facts.values == 0:
        return None
    named = name_score("timestamp", facts.name)
    is_number = time.form in ("s", "ms", "us", "ns")
    score = 0.4 + 0.58 * named if is_number and not columns.is_numbered else 0.75 + 0.22 * named
    reasons = [*time.reasons]
    if named >= 0.5:
        reasons.append("the name is usual for a time")
    if name_score("timestamp", facts.name) == 0 and is_number and not facts.is_whole:
        score *= 0.8
    if not time.has_clock:
        score *= 0.96
    if facts.distinct == 1 and facts.values > 20:
        score *= 0.5
        reasons.append("all rows have the same time")
    if facts.blank_fraction > 0.02:
        score *= 1 - facts.blank_fraction
    return _Scored(facts.name, score, tuple(reasons))


def _type_score(facts: ColumnFacts, columns: Columns) -> _Scored | None:
    named = name_score("type", facts.name)
    if not 2 <= facts.distinct <= MAXIMUM_TYPES or facts.values < 2 * facts.distinct or facts.length > 40:
        return None
    if facts.name in columns.times or facts.dtype.is_temporal() or facts.dtype.is_float():
        return None
    if facts.is_numeric and (named < 0.7 or facts.distinct > 12):
        return None
    # The column may be named `count`, as the numbers of rows are.
    counts = text_of(columns.frame[facts.name]).alias("type").drop_nulls().value_counts()
    known = sum(rows for name, rows in counts.iter_rows() if known_weight(name) is not None) / facts.values
    if known < 0.3 and named < 0.7:
        return None
    score = max(0.95 * named, 0.85 * known, min(0.98, named + 0.4 * known))
    reasons = [f"{facts.distinct} different values"]
    if known >= 0.3:
        reasons.append(f"{known:.0%} of the rows have a known type of event")
    if named >= 0.5:
        reasons.append("the name is usual for a type of event")
    if facts.blank_fraction > 0.05:  # rows without a type are rejected
        score *= 0.4
        reasons.append(f"{facts.blank_fraction:.0%} of the rows have no value")
    return _Scored(facts.name, score, tuple(reasons))


def _value_score(facts: ColumnFacts, columns: Columns) -> _Scored | None:
    if not facts.is_numeric or facts.dtype.is_temporal() or facts.distinct < 2 or facts.name in columns.times:
        return None
    if facts.blank_fraction > 0.05 or facts.dtype == pl.Boolean:
        return None
    named = name_score("value", facts.name)
    if are_ratings(columns.frame, facts):
        kind = f"the values are ratings from {facts.lowest:g} to {facts.highest:g}"
        return _Scored(facts.name, max(named, 0.6), (kind,))
    if columns.is_numbered and not facts.is_unique:
        return _Scored(facts.name, 0.5 + 0.01 * facts.position, ("a column of numbers beside the ids",))
    if named < 0.45:
        return None
    lowest, highest = facts.lowest or 0, facts.highest or 0
    return _Scored(facts.name, named, (f"the name is usual for a value; numbers {lowest:g} to {highest:g}",))


def are_ratings(frame: pl.DataFrame, facts: ColumnFacts) -> bool:
    """Return whether a column contains ratings, as `als ingest` decides it."""
    if not facts.is_numeric or facts.distinct > 25 or facts.lowest is None or facts.highest is None:
        return False
    numbers = text_of(frame[facts.name]).cast(pl.Float64, strict=False).drop_nulls()
    is_step = numbers.is_between(0, 10) & ((numbers * 2).round() == numbers * 2)
    counts = numbers.filter(is_step).alias("value").value_counts()
    values: dict[float | None, int] = dict(counts.iter_rows())
    values[None] = len(numbers) - int(is_step.sum())
    name = "" if facts.name.isdigit() else facts.name
    return looks_like_ratings(name, values)
