"""The rules of lists in memory, by the item rows of a model."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from als_cli.arrays import BoolArray, Int32Array, Int64Array
from als_cli.config.recommend import FallbackName
from als_cli.ranking.rules.id_files import UserItems
from als_cli.ranking.rules.limits import ListLimits
from als_cli.ranking.segments import Segments

SeenAgainAfter = timedelta | Mapping[str, timedelta]
"""The age of the newest event of a pair, or the age of its newest event of each type, by the name of the type."""


@dataclass(frozen=True)
class ChosenItems:
    """Positions of the list for items of a rule: pinned or promoted items."""

    name: str
    source: str
    """`pinned` or `promoted`."""
    positions: Int64Array
    """Positions in the list, from 0, ascending."""
    item_rows: Int32Array
    """Item rows. The order is the order of preference of pinned items."""


@dataclass(frozen=True)
class Diversity:
    """Maximal marginal relevance; see :class:`als_cli.ranking.rules.selectors.Diverse`."""

    strength: float
    pool: int


@dataclass(frozen=True)
class Exploration:
    """Positions of the list for items that are sampled from the `pool` next best items after the list."""

    positions: Int64Array
    """From 0, ascending."""
    pool: int
    seed: int


@dataclass(frozen=True)
class ListRules:
    """Which items a list may contain, and where they come from."""

    top_n: int
    """Items asked for. Lists have at most as many slots as there are candidates."""
    exclude_seen: bool = True
    seen_again_after: SeenAgainAfter | None = None
    """Age at which an item of the history is no longer left out, None: never."""
    allowed: BoolArray | None = None
    """(I,) by the model's item row; None means that all items are allowed."""
    user_allow: UserItems | None = None
    """The only items of each user."""
    user_deny: UserItems | None = None
    """Items that single users do not get."""
    shown: UserItems | None = None
    """Items that earlier lists have shown."""
    limits: ListLimits = field(default_factory=ListLimits)
    chosen: tuple[ChosenItems, ...] = ()
    """Pinned items, then promoted items."""
    diversity: Diversity | None = None
    """Re-ranking of the items of the model for difference."""
    explore: Exploration | None = None
    """Items sampled at random."""
    minimum_score: float | None = None
    """Minimum score of trained and folded-in items."""
    fallback: tuple[FallbackName, ...] = ("popular",)
    """Sources of the slots that the model does not fill."""
    segments: Segments | None = None
    refresh: str = "none"
    """Which known users are folded in again: `changed`, `all` or `none`."""
    because: int = 0
    """Reasons per item."""
    recent_half_life: timedelta | None = None
    """Half-life of `recent_popular`, None: that of the demand in the model, or 7 days."""
