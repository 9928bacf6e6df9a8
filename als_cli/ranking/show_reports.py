"""The reports of `als show`."""

from datetime import datetime
from typing import Any

from als_cli.reports import Report


class ItemEntry(Report):
    """An item in a table."""

    item_id: int | str
    title: str | None
    """None if the catalogue has no title for it, or if there is no catalogue."""


class DemandHalfLives(Report):
    """The half-lives of demand, in seconds."""

    now: float
    long_run: float | None
    """None: infinite, so all users of an item count."""


class ItemDemand(Report):
    """The demand for an item now and in the long run; see als_cli/ranking/trends.py."""

    now: float
    """Users of the item. A user counts half for every half-life since their newest event with the item."""
    long_run: float
    """The same with the long-run half-life."""
    trend: float | None
    """Users per day now / users per day in the long run: 1 for constant demand. None without long-run demand."""


class Reason(ItemEntry):
    """An item of the history that contributes to the score of an item."""

    share: float
    """Contribution / score."""


class RankedItem(ItemEntry):
    """An item of a list."""

    rank: int
    """From 1."""
    score: float
    because: tuple[Reason, ...] = ()
    """The items of the history that contribute most, the largest share first. Items with a negative share are not listed."""
    demand: ItemDemand | None
    """None without timestamps, or if the demand rule of the model has no half-life."""


class HistoryItem(ItemEntry):
    """An item that the user has interacted with."""

    strength: float
    last_time: datetime | None
    """Time of the newest event of the pair, None without timestamps."""


class PopularItem(ItemEntry):
    """An item at the top of the popularity list."""

    users: int


class ModelReport(Report):
    """A description of the current model."""

    model: str
    """Folder of the model."""
    created: datetime
    tool_version: str
    users: int
    items: int
    interactions: int
    user_id_type: str
    item_id_type: str
    bytes: int
    """Size of all files."""
    recipe: dict[str, Any]
    """Engine, settings, confidence, fold-in and demand, with a number for every `auto`. Half-lives are in seconds."""
    loss: tuple[float, ...]
    """Training loss after each iteration, divided by users x items."""
    seconds: float
    popular: tuple[PopularItem, ...]
    """The items with the most users."""


class UserReport(Report):
    """A user's history and list."""

    user_id: int | str
    source: str | None
    """Source of the list (als, fold_in, popular), None without a list."""
    wanted: int
    """Length of a full list."""
    history: tuple[HistoryItem, ...]
    """Newest first; strongest first if events have no timestamps."""
    recommended: tuple[RankedItem, ...]
    half_lives: DemandHalfLives | None
    """Half-lives of the demand, None without demand."""


class ItemReport(Report):
    """An item and its neighbours."""

    item_id: int | str
    title: str | None
    users: int
    """Users at training time."""
    popularity_rank: int
    """1 for the item with the most users. Items with equally many users share a rank."""
    items: int
    """Items of the model."""
    demand: ItemDemand | None
    """None without timestamps or without a dataset, or if the demand rule of the model has no half-life."""
    half_lives: DemandHalfLives | None
    """Half-lives of the demand, None without demand."""
    neighbours: tuple[RankedItem, ...]
    """Nearest first. The score is the cosine of the factors."""
