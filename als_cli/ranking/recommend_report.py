"""The report of `als recommend`, and the counts that it is made from."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from als_cli.ranking.lists import POPULAR, SOURCES, UserLists
from als_cli.reports import Report


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
    """Users per source of their list (als, fold_in, popular)."""
    source_rows: dict[str, int]
    """Filled slots per source of the list."""
    fallback_fraction: float
    """Fraction of the lists that are the popularity list, 0 to 1."""
    fallback_slot_fraction: float
    """Fraction of the filled slots that are in popularity lists, 0 to 1."""
    shortfall: dict[str, int]
    """Users whose list is not full, per reason (too_few_candidates, no_history)."""
    unreadable_users: int
    """Rows of the users file without an id, or with an id that is not of the dataset's type."""
    candidates: int
    """Items that may be recommended."""
    never_interacted: int
    """Items of the catalogue that satisfy the condition but are unknown to the model."""
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

    def add(self, lists: UserLists, reasons: list[str]) -> None:
        """Count the lists of one block; `reasons` has one entry per list that is not full."""
        filled = lists.top.filled.sum(axis=1)
        self.users += len(lists.user_ids)
        self.rows += int(filled.sum())
        for source in SOURCES:
            rows = filled[(lists.sources == source).fill_null(value=False).to_numpy()]
            self.sources[source] += int(np.count_nonzero(rows))
            self.source_rows[source] += int(rows.sum())
        self.shortfall.update(reasons)

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
            fallback_fraction=_popular_fraction(self.sources),
            fallback_slot_fraction=_popular_fraction(self.source_rows),
            shortfall=dict(sorted(self.shortfall.items())),
            **fields,
        )


def _popular_fraction(by_source: Counter[str]) -> float:
    """Return the fraction of the popularity list, 0 if there is nothing."""
    return by_source[POPULAR] / by_source.total() if by_source.total() else 0.0
