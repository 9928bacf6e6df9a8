"""The report of `als recommend`, and the counts that it is made from."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from als_cli.arrays import Int64Array
from als_cli.ranking.lists import FALLBACK_SOURCES, SOURCES, UserLists
from als_cli.reports import Report


class MostListed(Report):
    """The item that the model puts into most lists."""

    item_id: int | str
    users: int
    """Users whose list has it."""
    fraction: float
    """Fraction of all lists, 0 to 1."""


class RecommendReport(Report):
    """What `recommend` wrote."""

    output: str
    """The folder, the file, or ``-`` for stdout."""
    format: str
    layout: str
    top_n: int
    users: int
    """Users that were asked for."""
    rows: int
    """Filled slots of all lists."""
    sources: dict[str, int]
    """Users per source of their list: the source of the first slot that no rule chose."""
    source_rows: dict[str, int]
    """Filled slots per source."""
    fallback_fraction: float
    """Fraction of the lists whose source is a fallback, 0 to 1."""
    fallback_slot_fraction: float
    """Fraction of the filled slots that a fallback filled, 0 to 1."""
    shortfall: dict[str, int]
    """Users whose list is not full, per reason."""
    rules: dict[str, dict[str, int]]
    """Users, slots and items that each rule touched; see docs/rules.md."""
    most_listed: MostListed | None = None
    """None: the model has filled no slot."""
    unreadable_users: int
    """Rows of the users file without an id, or with an id that is not of the dataset's type."""
    candidates: int
    """Items that may be recommended."""
    never_interacted: int
    """Items of the catalogue that satisfy the condition but are unknown to the model."""
    unknown_items: dict[str, int]
    """Items, or pairs of a user and an item, that are unknown to the model, by the config key of their file or condition. Without zeros."""
    churn: dict[str, Any] | None = None
    """With `recommend.churn`: the figures of new and published lists; see docs/lists.md. None without published lists."""
    changes: dict[str, Any] | None = None
    """With `recommend.output.changes`: the table of changes, its versions and its numbers of users."""
    seconds: float

    @property
    def shortfall_users(self) -> int:
        """Users whose list is not full."""
        return sum(self.shortfall.values())


@dataclass
class ListCounts:
    """Counts over all blocks of lists."""

    users: int = 0
    rows: int = 0
    sources: Counter[str] = field(default_factory=Counter)
    source_rows: Counter[str] = field(default_factory=Counter)
    shortfall: Counter[str] = field(default_factory=Counter)
    rules: dict[str, Counter[str]] = field(default_factory=dict)
    _item_ids: pl.Series | None = None
    _lists_with: Int64Array = field(default_factory=lambda: np.empty(0, np.int64))
    """Lists that have each item from the model, (I,)."""

    def add(self, lists: UserLists, reasons: list[str]) -> None:
        """Count the lists of one block; `reasons` has one entry per list that is not full."""
        filled = lists.top.filled.sum(axis=1)
        self.users += len(lists.user_ids)
        self.rows += int(filled.sum())
        main = np.bincount(lists.main_sources + 1, minlength=len(SOURCES) + 1)[1:]
        rows = np.bincount(lists.sources.reshape(-1) + 1, minlength=len(SOURCES) + 1)[1:]
        self.sources.update(dict(zip(SOURCES, main.tolist(), strict=True)))
        self.source_rows.update(dict(zip(SOURCES, rows.tolist(), strict=True)))
        self.shortfall.update(reasons)
        listed = np.bincount(lists.top.item_rows[lists.by_model], minlength=len(lists.item_ids))
        self._lists_with = listed if self._item_ids is None else self._lists_with + listed
        self._item_ids = lists.item_ids
        for name, counts in lists.touched.items():
            self.rules.setdefault(name, Counter()).update(counts)

    def leave_out(self, items: Mapping[str, int]) -> None:
        """Count the `items` that each key of `recommend.items` leaves out."""
        for name, count in items.items():
            self.rules[f"items.{name}"] = Counter(items=count)

    def rules_touched(self) -> dict[str, dict[str, int]]:
        """Return the users, slots and items that each rule touched."""
        return {name: dict(counts) for name, counts in self.rules.items()}

    def for_manifest(self) -> dict[str, int]:
        """Return all counts under flat names."""
        return {
            "users": self.users,
            "rows": self.rows,
            **{f"source_{name}": self.sources[name] for name in SOURCES},
            **{f"rows_{name}": self.source_rows[name] for name in SOURCES},
            **{f"shortfall_{name}": count for name, count in sorted(self.shortfall.items())},
        }

    def report(self, **fields: Any) -> RecommendReport:
        """Return the report of these counts; `fields` are the fields that are not counted here."""
        return RecommendReport(
            users=self.users,
            rows=self.rows,
            sources={name: self.sources[name] for name in SOURCES},
            source_rows={name: self.source_rows[name] for name in SOURCES},
            fallback_fraction=_fallback_fraction(self.sources),
            fallback_slot_fraction=_fallback_fraction(self.source_rows),
            shortfall=dict(sorted(self.shortfall.items())),
            rules=self.rules_touched(),
            most_listed=self._most_listed(),
            **fields,
        )

    def _most_listed(self) -> MostListed | None:
        if self._item_ids is None or not self._lists_with.any():
            return None
        row = int(self._lists_with.argmax())
        users = int(self._lists_with[row])
        return MostListed(item_id=self._item_ids[row], users=users, fraction=users / self.users)


def _fallback_fraction(by_source: Counter[str]) -> float:
    """Return the fraction of the fallback sources, 0 if there is nothing."""
    total = by_source.total()
    return sum(by_source[name] for name in FALLBACK_SOURCES) / total if total else 0.0
