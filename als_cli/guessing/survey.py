"""All guesses about the events of a path."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import polars as pl

from als_cli.config.source import ColumnsConfig
from als_cli.errors import counted
from als_cli.guessing.catalogs import CatalogGuess, guess_catalog
from als_cli.guessing.decimal_commas import decimal_commas
from als_cli.guessing.event_types import TypeWeight, weights_of
from als_cli.guessing.facts import ColumnFacts, text_of
from als_cli.guessing.files import EventFiles, Group
from als_cli.guessing.filters import RowCondition, conditions_for, undone_orders
from als_cli.guessing.guess import Guess
from als_cli.guessing.roles import are_ratings
from als_cli.guessing.samples import Sample
from als_cli.guessing.source_survey import OUTPUTS, SourceSurvey, survey_source
from als_cli.guessing.splits import guess_split
from als_cli.guessing.times import read_times

FORMAT_KEY = "events.timestamp_format"
_TOLERATED = 0.03
"""Maximum fraction of bad rows that needs no other `events.max_bad_fraction`."""
_JOINED = 0.3
"""Minimum fraction of the items of the events that a catalogue has."""
_HEAVY_TAIL = 10
"""A value is heavy-tailed if its maximum is this many times its median."""


@dataclass(frozen=True)
class Survey:
    """The guesses about all files of a path."""

    files: EventFiles
    sources: tuple[SourceSurvey, ...]
    """Files with events. Files with other columns are further entries."""
    form: Guess | None
    """The value of `events.timestamp_format`."""
    types: Mapping[str, TypeWeight] | None
    conditions: tuple[RowCondition, ...]
    bad_fraction: Guess | None
    """The value of `events.max_bad_fraction`, if rows without a user cannot be left out by a condition."""
    transform: Guess | None
    """The value of `events.value_transform`."""
    catalog: CatalogGuess | None
    split: Guess
    notes: tuple[str, ...]

    @property
    def main(self) -> SourceSurvey:
        """The first source."""
        return self.sources[0]

    @property
    def query(self) -> str | None:
        """The query that flattens nested columns, None without nested columns."""
        source = self.main
        if source.nested is None:
            return None
        outputs = {OUTPUTS[role]: guess.value for role, guess in source.roles.items()}
        return source.nested.query(outputs, source.roles["item"].value if source.nested.alias else None)

    def guesses(self) -> list[Guess]:
        """Return all guesses, for the report."""
        roles = self.main.roles
        found = [roles[role] for role in OUTPUTS if role in roles]
        optional = (self.form, self.transform, self.bad_fraction)
        found += [guess for guess in optional if guess is not None]
        if self.types is not None:
            known = sum(one.is_known for one in self.types.values())
            reason = "the names are known"
            if known < len(self.types):
                reason = f"{known} of {counted(len(self.types), 'name')} {'is' if known == 1 else 'are'} known; other weights come from the frequency"
            weights = {name: one.weight for name, one in self.types.items()}
            found.append(Guess("events.types", weights, 0.5 + 0.4 * known / len(self.types), (reason,)))
        if self.conditions:
            where = " and ".join(one.sql for one in self.conditions)
            found.append(Guess("events.where", where, 0.7, tuple(one.reason for one in self.conditions)))
        if self.catalog is not None:
            found += [guess for guess in (self.catalog.item, self.catalog.title) if guess is not None]
        return [*found, self.split]


def survey_of(
    files: EventFiles, clock: datetime, stated: Mapping[str, str], catalog: Sample | None = None
) -> Survey:
    """Return the guesses about `files`. `stated` has columns that the user named, by role, and `timestamp_format`.

    `clock` is now. Without a `catalog`, a group of files without users that has the items of the events is one.
    """
    sources = _sources(files, clock, stated)
    events = _with_events(sources)
    kept = [source.group for source in events]
    if len(events) < len(sources) and files.are_all_sampled:
        files = files.only(kept)
    events = _with_equal_times(events)
    main, others = events[0], [source for source in sources if source.group not in kept]
    items = main.column("item")
    found = None
    if items is not None:
        of_items = text_of(items)
        found = _best_catalog(others, of_items) if catalog is None else guess_catalog(catalog, of_items)
    left_out = [
        source.group.main for source in others if found is None or source.group.main is not found.sample
    ]
    notes = [*files.notes, *(f"{sample.path}: other columns than the events" for sample in left_out)]
    notes += decimal_commas(main)
    form = _form(events, stated.get("timestamp_format"))
    times = None if form is None else _times(events, str(form.value))
    users = None if len(events) > 1 else main.column("user")
    conditions = [one for one in _conditions(main) if _applies_to_all(one, events)]
    return Survey(
        files=files,
        sources=events,
        form=form,
        types=_types(events),
        conditions=tuple(conditions),
        bad_fraction=_bad_fraction(events),
        transform=_transform(main),
        catalog=found,
        split=guess_split(times, users, is_complete=files.is_complete),
        notes=tuple(notes),
    )


def _with_events(sources: tuple[SourceSurvey, ...]) -> tuple[SourceSurvey, ...]:
    """Return the log of events with the most rows, and the logs that have the same signal: a type, a value, or none."""
    logs = sources if len(sources) == 1 else tuple(source for source in sources if source.is_log)
    logs = logs or tuple(source for source in sources if source.has_events) or sources[:1]
    main = max(logs, key=lambda source: source.rows)
    if main.nested is not None:
        return (main,)  # there is one query for all sources
    return tuple(one for one in logs if one.signal == main.signal and one.nested is None)


def _best_catalog(sources: Sequence[SourceSurvey], items: pl.Series) -> CatalogGuess | None:
    """Return the table with most of the `items` of the events, preferably one with titles; None if no table has 30 %."""
    found = [guess_catalog(source.group.main, items) for source in sources if not source.has_users]
    fitting = [one for one in found if one is not None and one.join_rate >= _JOINED]
    return max(fitting, key=lambda one: (one.title is not None, one.join_rate), default=None)


def _with_equal_times(events: tuple[SourceSurvey, ...]) -> tuple[SourceSurvey, ...]:
    """Return `events` without times if some of them have none, because als needs times in all sources or in none."""
    if all("timestamp" in source.roles for source in events):
        return events
    return tuple(
        replace(source, roles={role: guess for role, guess in source.roles.items() if role != "timestamp"})
        for source in events
    )


def _sources(files: EventFiles, clock: datetime, stated: Mapping[str, str]) -> tuple[SourceSurvey, ...]:
    roles = {role: name for role, name in stated.items() if role in ColumnsConfig.model_fields}
    formats = {(group.main.kind, group.main.format_key) for group in files.groups}
    if len(files.groups) > 1 and len(formats) == 1:
        merged = survey_source(Group(tuple(s for group in files.groups for s in group.samples)), clock, roles)
        needed = {guess.value for guess in merged.roles.values()}
        if merged.has_events and all(needed <= set(group.frame.columns) for group in files.groups):
            return (merged,)
    return tuple(survey_source(group, clock, roles) for group in files.groups)


def _form(events: tuple[SourceSurvey, ...], stated: str | None) -> Guess | None:
    times = [source.time for source in events if source.time is not None]
    if stated and any("timestamp" in source.roles for source in events):
        return Guess(FORMAT_KEY, stated, 1.0, ("given on the command line or in an answer",))
    written = [time for time in times if time.form != "auto"]
    if not times or any("timestamp" not in source.roles for source in events):
        return None
    if not written:
        return Guess(FORMAT_KEY, "auto", 1.0, times[0].reasons)
    if len({time.form for time in written}) > 1:
        return Guess(FORMAT_KEY, "auto", 0.4, ("the files have times of different formats",))
    best = written[0]
    return Guess(FORMAT_KEY, best.form, best.confidence, best.reasons, best.alternatives)


def _times(events: tuple[SourceSurvey, ...], form: str) -> pl.Series:
    columns = [column for source in events if (column := source.column("timestamp")) is not None]
    return pl.concat([read_times(column, form) for column in columns])


def _types(events: tuple[SourceSurvey, ...]) -> Mapping[str, TypeWeight] | None:
    columns = [source.column("type") for source in events]
    present = [text_of(column, strip=False) for column in columns if column is not None]
    if not present or len(present) < len(columns):
        return None
    counts = dict(pl.concat(present).drop_nulls().alias("type").value_counts().iter_rows())
    return weights_of(counts)


def _conditions(main: SourceSurvey) -> list[RowCondition]:
    facts: dict[str, ColumnFacts] = dict(main.columns.facts)
    roles = {role: guess.value for role, guess in main.roles.items()}
    found = conditions_for(main.columns.frame, facts, roles, main.names)
    if main.nested is not None or "type" in roles:
        return found
    orders = [undone_orders(main.columns.frame, one) for one in facts.values()]
    return found + [condition for condition in orders if condition is not None][:1]


def _applies_to_all(condition: RowCondition, events: tuple[SourceSurvey, ...]) -> bool:
    """Return whether the column of `condition` has the same name in all files."""
    if condition.role is None:
        return len(events) == 1
    return len({source.names.get(condition.role) for source in events}) == 1


def _bad_fraction(events: tuple[SourceSurvey, ...]) -> Guess | None:
    """Return the fraction of rows without a value, if no condition can leave them out because the names differ."""
    found = [one for source in events for one in _conditions(source) if not _applies_to_all(one, events)]
    highest = max((one.dropped for one in found), default=0.0)
    if highest < _TOLERATED:
        return None
    reason = f"{highest:.0%} of the rows have no value; the files name the column differently, so no condition fits"
    return Guess("events.max_bad_fraction", min(0.99, round(highest + 0.1, 1)), 0.6, (reason,))


def _transform(main: SourceSurvey) -> Guess | None:
    guess = main.roles.get("value")
    if guess is None:
        return None
    facts = main.columns.facts[guess.value]
    if are_ratings(main.columns.frame, facts) or not facts.median or (facts.highest or 0) < _HEAVY_TAIL:
        return None
    if (facts.highest or 0) < _HEAVY_TAIL * abs(facts.median):
        return None
    reason = f"the median is {facts.median:g} and the maximum {facts.highest:g}; a few rows must not dominate"
    return Guess("events.value_transform", "log1p", 0.7, (reason,))
