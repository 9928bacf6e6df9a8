"""What `als show` answers with."""

from datetime import datetime
from typing import Any

from als_cli.reports import Report


class ItemEntry(Report):
    """An item in one of the tables."""

    item_id: int | str
    title: str | None
    """None where no catalogue names it."""


class RankedItem(ItemEntry):
    """An item of a list."""

    rank: int
    """From 1."""
    score: float


class HistoryItem(ItemEntry):
    """An item that the user has interacted with."""

    strength: float
    last_time: datetime | None
    """Time of the newest event of the pair, None without times."""


class PopularItem(ItemEntry):
    """An item at the head of the popularity list."""

    users: int


class ModelReport(Report):
    """What the current model is."""

    model: str
    """Its folder."""
    created: datetime
    tool_version: str
    users: int
    items: int
    interactions: int
    user_id_type: str
    item_id_type: str
    bytes: int
    """Size of all its files."""
    recipe: dict[str, Any]
    """Engine, settings and confidence that it was trained with, every `auto` resolved."""
    loss: tuple[float, ...]
    """Training loss after each iteration, divided by users x items."""
    seconds: float
    popular: tuple[PopularItem, ...]
    """The items with the most users."""


class UserReport(Report):
    """A user's history and list."""

    user_id: int | str
    source: str | None
    """Where the list comes from: als, fold_in, popular."""
    wanted: int
    """Length of a full list."""
    history: tuple[HistoryItem, ...]
    """Newest first; by strength where events carry no time."""
    recommended: tuple[RankedItem, ...]


class ItemReport(Report):
    """An item and its neighbours."""

    item_id: int | str
    title: str | None
    users: int
    """Users at training time."""
    popularity_rank: int
    """1 for the item with the most users; ties share a rank."""
    items: int
    """Items of the model."""
    neighbours: tuple[RankedItem, ...]
    """Nearest first; score is the cosine of the factors."""
