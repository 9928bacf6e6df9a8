"""The guesses about files with the same columns."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import polars as pl

from als_cli.guessing.catalogs import guess_title
from als_cli.guessing.excel_dates import excel_date, with_excel_date
from als_cli.guessing.facts import facts_of
from als_cli.guessing.files import Group
from als_cli.guessing.guess import LIKELY, Guess
from als_cli.guessing.nested import Nested, flattened, with_date
from als_cli.guessing.roles import Columns, columns_of, guess_roles
from als_cli.guessing.times import TimeGuess

OUTPUTS = {
    "user": "user_id",
    "item": "item_id",
    "timestamp": "ts",
    "type": "event",
    "value": "value",
    "title": "title",
}
"""Names of the columns of a query, by role."""
_DIFFERENT = 0.9
"""Minimum fraction of different ids of a table that is no log of events."""


@dataclass(frozen=True)
class SourceSurvey:
    """The guesses about files with the same columns."""

    group: Group
    columns: Columns
    roles: Mapping[str, Guess]
    nested: Nested | None
    """The flattened table, if a query must flatten it."""

    def column(self, role: str) -> pl.Series | None:
        """Return the sampled values of a role, None if it has no column."""
        guess = self.roles.get(role)
        return None if guess is None else self.columns.frame[guess.value]

    @property
    def has_events(self) -> bool:
        """Whether there is a column of users and a column of items."""
        return "user" in self.roles and "item" in self.roles

    @property
    def is_log(self) -> bool:
        """Whether there are events in which a user or an item occurs several times. In a catalogue both occur once."""
        if not self.has_events:
            return False
        facts = [self.columns.facts[self.roles[role].value] for role in ("user", "item")]
        return any(one.distinct < _DIFFERENT * one.values for one in facts)

    @property
    def has_users(self) -> bool:
        """Whether a column has users by its name or its values, so that this is no catalogue."""
        return "user" in self.roles and self.roles["user"].confidence >= LIKELY

    @property
    def rows(self) -> int:
        """The rows of the sampled files, possibly an estimate."""
        return sum(sample.rows for sample in self.group.samples)

    @property
    def signal(self) -> frozenset[str]:
        """The roles that say how strong an event is: type and value, if they have a column."""
        return frozenset({"type", "value"} & self.roles.keys())

    @property
    def names(self) -> dict[str, str]:
        """The column of each role in the config: of the file, or of the result of the query."""
        return {
            role: guess.value if self.nested is None else OUTPUTS[role] for role, guess in self.roles.items()
        }

    @property
    def time(self) -> TimeGuess | None:
        """The format of the times."""
        guess = self.roles.get("timestamp")
        return None if guess is None else self.columns.times.get(guess.value)


def survey_source(group: Group, clock: datetime, stated: Mapping[str, str]) -> SourceSurvey:
    """Return the guesses about the files of `group`. `stated` has columns that the user named, by role.

    `clock` is now. Nested columns are flattened if there are no columns of users and items without it. Columns year,
    month and day become a date if there is no other time.
    """
    shape = group.main.shape
    is_numbered = shape is not None and not shape.header
    frame = group.frame
    source = _with_roles(group, frame, None, clock, stated, is_numbered=is_numbered)
    query = _query_for(source, stated)
    if query is None:
        return source
    return _with_roles(group, query.frame, query, clock, stated, is_numbered=False)


def _query_for(source: SourceSurvey, stated: Mapping[str, str]) -> Nested | None:
    """Return the table of a query, if the columns of the file alone are not enough; `stated` may name its columns."""
    frame = source.group.frame
    computed = {name for name in stated.values() if name and name not in frame.columns}
    flat, dated = flattened(frame), with_date(frame)
    if flat is not None and (not source.has_events or computed & set(flat.frame.columns)):
        return flat
    lacks_time = source.has_events and "timestamp" not in source.roles and "timestamp" not in stated
    if dated is not None and (lacks_time or computed & set(dated.frame.columns)):
        return dated
    serial = excel_date(source.columns.facts)
    if serial is not None and (lacks_time or stated.get("timestamp") == serial):
        return with_excel_date(frame, serial)
    return None


def _with_roles(
    group: Group,
    frame: pl.DataFrame,
    nested: Nested | None,
    clock: datetime,
    stated: Mapping[str, str],
    *,
    is_numbered: bool,
) -> SourceSurvey:
    facts = facts_of(frame)
    known = {role: name for role, name in stated.items() if not name or name in facts}
    columns = columns_of(frame, facts, clock, group.main.first, is_numbered=is_numbered)
    roles = guess_roles(columns, known)
    if "item" in roles and "title" not in stated:
        taken = {guess.value for guess in roles.values()}
        title = guess_title(frame, facts, roles["item"].value, taken)
        roles |= {} if title is None else {"title": title}
    for role, guess in roles.items():
        if nested is not None and guess.value in nested.reasons:
            roles[role] = replace(guess, reasons=(nested.reasons[guess.value], *guess.reasons))
    return SourceSurvey(group, columns, roles, nested)
