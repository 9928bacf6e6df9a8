"""The report of `als similar` and `als audience`, and the counts that it is made from."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from als_cli.ranking.vector_lists import VectorLists
from als_cli.reports import Report


class VectorListsReport(Report):
    """What `similar` or `audience` wrote."""

    of: str
    """`similar items`, `similar users` or `audience`."""
    output: str
    """The folder, the file, the view of a database, or ``-`` for stdout."""
    format: str
    top_n: int
    lists: int
    """Items or users that lists were made for."""
    rows: int
    """Filled slots of all lists."""
    shortfall: dict[str, int]
    """Lists that are not full, per reason. A list may be empty."""
    candidates: int
    """Items or users that lists may contain."""
    minimum_support: int
    """Users that an item must have, or items that a user must have; 0: no minimum."""
    unknown_items: int
    """Items of the file of `audience` that the model does not know."""
    users_without_vector: int
    """Users of `recommend.users` without any item that the model knows. They are left out."""
    seconds: float


@dataclass
class VectorListCounts:
    """Counts over all blocks of lists."""

    lists: int = 0
    rows: int = 0
    shortfall: Counter[str] = field(default_factory=Counter)

    def add(self, lists: VectorLists, reasons: list[str]) -> None:
        """Count the lists of one block; `reasons` has one entry per list that is not full."""
        self.lists += len(lists.ids)
        self.rows += int(lists.top.filled.sum())
        self.shortfall.update(reasons)

    def for_manifest(self) -> dict[str, int]:
        """Return all counts under flat names."""
        shortfall = {f"shortfall_{name}": count for name, count in sorted(self.shortfall.items())}
        return {"lists": self.lists, "rows": self.rows, **shortfall}

    def report(self, **fields: Any) -> VectorListsReport:
        """Return the report of these counts; `fields` are the fields that are not counted here."""
        return VectorListsReport(
            lists=self.lists, rows=self.rows, shortfall=dict(sorted(self.shortfall.items())), **fields
        )
