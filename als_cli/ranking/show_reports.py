"""The reports of `als show`."""

from datetime import datetime
from typing import Any

from als_cli.reports import Report


class ItemEntry(Report):
    """An item in a table."""

    item_id: int | str
    title: str | None
    """None if the catalogue has no title for it, or if there is no catalogue."""


class RankedItem(ItemEntry):
    """An item of a list."""

    rank: int
    """From 1."""
    score: float


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
    """Engine, settings and confidence of the training, with a number for every `auto`."""
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
    neighbours: tuple[RankedItem, ...]
    """Nearest first. The score is the cosine of the factors."""
