"""Section `recommend.rules`: which items a list may contain, how many of a kind, and at which positions."""

from typing import Annotated

from pydantic import AfterValidator, Field, field_validator

from als_cli.config.fields import ConditionText, Duration, PathText, Section
from als_cli.config.source import ColumnRef, TableFormat


def _different(positions: tuple[int, ...]) -> tuple[int, ...]:
    if len(set(positions)) < len(positions):
        raise ValueError("a position occurs twice")
    return positions


Positions = Annotated[
    tuple[Annotated[int, Field(ge=1, lt=2**31)], ...],
    Field(strict=False, min_length=1, json_schema_extra={"uniqueItems": True}),
    AfterValidator(_different),
]


class ItemsFile(TableFormat):
    """A file with items."""

    file: PathText
    """Table with one row per item. Duplicates are ignored."""
    column: ColumnRef = "item_id"
    """Column with the item ids."""


class UserItemsFile(TableFormat):
    """A file with pairs of users and items."""

    file: PathText
    """Table with one row per pair. Duplicates are ignored."""
    user: ColumnRef = "user_id"
    """Column with the user ids."""
    item: ColumnRef = "item_id"
    """Column with the item ids."""


class ValueLimit(Section):
    """A limit on the values of a column of the catalogue in a list."""

    column: ColumnRef
    """Column of the catalogue, for example `category`. If an item has several rows, the first row with a value counts."""
    at_most: int | None = Field(default=None, ge=1, lt=2**31)
    """Maximum number of items with the same value. Items without a value are not limited."""
    at_least: int | None = Field(default=None, ge=2, lt=2**31)
    """At least this many different values in a full list. Of n slots, at most n - `at_least` have no value, or repeat a value."""


class _ChosenItems(TableFormat):
    """Items of a file, or items of the catalogue that satisfy a condition."""

    file: PathText | None = None
    """Table with the items, in the order of preference."""
    column: ColumnRef = "item_id"
    """Column of `file` with the item ids."""
    where: ConditionText | None = None
    """Instead of `file`: an SQL condition on the columns of one row of the catalogue, for example `sponsored`."""
    name: str | None = Field(default=None, min_length=1)
    """Name of the rule in reports. Names must differ. Default: `pinned 1`, `promoted 1` and so on."""


class PinnedItems(_ChosenItems):
    """Items at fixed positions. Each position has the first item, in the order of the file or of the catalogue, that the list may contain."""

    positions: Positions
    """Ranks of the items, from 1."""


class PromotedItems(_ChosenItems):
    """Items with a share of the list. Each position has the item with the best score for the user."""

    positions: Positions | None = None
    """Ranks of the items, from 1."""
    share: float | None = Field(default=None, gt=0, le=1)
    """Instead of `positions`: the fraction of the list, at evenly spaced ranks. With 0.2, ranks 5, 10, 15 and so on."""


class DiversityConfig(Section):
    """Re-ranking for different items: maximal marginal relevance (Carbonell, Goldstein 1998) on the factors of the items."""

    strength: float = Field(default=0.3, ge=0, le=1)
    """Weight of difference against score. 0: by score only; 1: only different from the items before."""
    pool: int = Field(default=100, ge=1, le=10_000)
    """Number of best items of each user from which the list is selected."""


class ExploreConfig(Section):
    """Items sampled at random from the next best items after the list, to learn about items that are never shown."""

    share: float = Field(default=0.1, gt=0, le=0.5)
    """Fraction of the list, at evenly spaced ranks."""
    pool: int = Field(default=100, ge=1, le=10_000)
    """Number of next best items after the list, from which each user's items are sampled."""
    seed: int = Field(default=0, ge=0, lt=2**32)
    """Seed of the samples. The same seed and user id give the same samples."""


class RulesConfig(Section):
    """Rules of the lists, in the order in which they apply. No rule changes the scores."""

    user_allow: UserItemsFile | None = None
    """The only items that each user may get. Users without a row get no list."""
    user_deny: UserItemsFile | None = None
    """Items that single users do not get."""
    not_shown: Duration | None = None
    """Leave out items that the user's lists contained on the days before today, for example `7d`: whole days, UTC. Lists must be Parquet, CSV, NDJSON or Arrow files, or in a Delta table or a database. The stored versions count, so `recommend.output.keep` must be large enough: 8 for `7d` and one run per day."""
    limits: Annotated[tuple[ValueLimit, ...], Field(strict=False)] = ()
    """Limits on the values of columns of the catalogue. They apply to all items of a list, pinned and promoted ones included."""
    pinned: Annotated[tuple[PinnedItems, ...], Field(strict=False)] = ()
    """Rules that put items at fixed ranks. They apply in the order of the list."""
    promoted: Annotated[tuple[PromotedItems, ...], Field(strict=False)] = ()
    """Rules that give ranks, or a share of the ranks, to a set of items. They apply after the pinned rules."""
    diversity: DiversityConfig | None = None
    """Re-ranking of the items of the model for different items."""
    explore: ExploreConfig | None = None
    """Items sampled at random, with source `explore`."""
    minimum_score: float | None = Field(default=None, ge=-1e30, le=1e30)
    """Minimum score of items of the model, promoted and explored ones included. The fallback fills the slots that stay free."""

    @field_validator("not_shown")
    @classmethod
    def _is_in_whole_days(cls, span: Duration | None) -> Duration | None:
        if span is not None and span.total_seconds() % 86_400:
            raise ValueError("this is not a number of whole days")
        return span
