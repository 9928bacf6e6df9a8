"""Section `users`: real users of all sizes, their history beside their list."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from als_cli.dataset.interactions import Interactions, rows_of
from als_cli.ranking.item_names import user_history
from als_cli.ranking.show_reports import HistoryItem
from als_cli.report.artifacts import Artifacts
from als_cli.report.item_labels import ItemLabels
from als_cli.report.sections.lists import SOURCE_NAMES
from als_cli.report.sections.user_lists import EXPLAINED, ShownSlot, lists_of_users
from als_cli.report.text import count, day, percent, plural, readable, score
from als_cli.tables.scan import reading

_HISTORY_ROWS = 12
_LIST_ROWS = 20


@dataclass(frozen=True)
class HistoryRow:
    """An item of the history."""

    title: str
    item_id: str
    category: str
    figure: str
    """Day of the newest event with the item; or the strength, if the events have no timestamps."""


@dataclass(frozen=True)
class RecommendedRow:
    """An item of the list."""

    rank: str
    title: str
    item_id: str
    category: str
    score: str
    source: str
    """Empty if the source is that of the list."""
    reasons: tuple[tuple[str, str], ...]
    """Titles of items of the history, and their fractions of the score."""
    is_personal: bool
    """Whether the item comes from the factors of the user, so that there can be reasons."""


@dataclass(frozen=True)
class UserCard:
    """A user."""

    user_id: str
    summary: str
    """How many items the user has, and where the list comes from."""
    history: tuple[HistoryRow, ...]
    older: int
    """Items of the history that are not shown."""
    recommended: tuple[RecommendedRow, ...]
    more: int
    """Items of the list that are not shown."""


@dataclass(frozen=True)
class UsersSection:
    """Users of all sizes."""

    cards: tuple[UserCard, ...]
    history_figure: str
    """Title of the figures of the histories."""
    published: bool
    """Whether the lists are the published ones. Otherwise they are made from the model for this report."""
    reasons: bool
    """Whether the reasons of the lists are known."""


def users_section(artifacts: Artifacts, labels: ItemLabels, users: int, instant: datetime) -> UsersSection:
    """Return up to `users` users with lists. Lists that are not published are made for `instant`."""
    published = None if artifacts.lists is None else artifacts.lists.lists
    interactions = artifacts.dataset.interactions
    first = pl.DataFrame()
    if published is not None:
        table = published.table.with_types(interactions.user_ids.dtype, interactions.item_ids.dtype)
        heads = table.frame.filter(pl.col("rank") == 1).select("user_id", "source")
        with reading(table.name):
            first = heads.collect(engine="streaming")
    sample = sampled_users(interactions, first, users)
    lists = lists_of_users(artifacts, sample, instant)
    histories = _Histories(artifacts, labels, sample)
    cards = [histories.card(user_id, lists.get(user_id, ())) for user_id in sample.to_list()]
    title = "strength" if interactions.newest is None else "last event"
    has_reasons = artifacts.model is not None
    return UsersSection(tuple(cards), title, published is not None, has_reasons)


def sampled_users(interactions: Interactions, first: pl.DataFrame, users: int) -> pl.Series:
    """Return up to `users` ids, from the users with few items to the users with many, without any random choice.

    `first` has user_id and source of the first slot of each list. Without it, all users of `interactions` are
    considered. For each source, the first user by id is among the ids, so that all sources are shown.
    """
    sizes = interactions.users.select("user_id", "interactions")
    if first.width:
        sizes = first.join(sizes, on="user_id", how="left").with_columns(pl.col("interactions").fill_null(0))
    ordered = sizes.sort("interactions", "user_id")["user_id"]
    if not users or ordered.is_empty():
        return ordered.clear()
    of_sources = ordered.clear()
    if first.width:
        of_sources = (
            first.group_by("source").agg(pl.col("user_id").min()).sort("source")["user_id"].head(users)
        )
    rest = min(len(ordered), users - len(of_sources))
    places = np.unique(np.linspace(0, len(ordered) - 1, rest).round().astype(np.int64))
    chosen = pl.concat([of_sources, ordered.gather(places)]).unique()
    return ordered.filter(ordered.is_in(chosen.implode()))


class _Histories:
    """The cards of the users `sample`."""

    def __init__(self, artifacts: Artifacts, labels: ItemLabels, sample: pl.Series) -> None:
        self._artifacts, self._labels = artifacts, labels
        self._interactions = artifacts.dataset.interactions
        self._rows = dict(zip(sample.to_list(), rows_of(self._interactions.user_ids, sample), strict=True))
        self._events: pl.LazyFrame | None = None
        self._sample = sample

    def card(self, user_id: object, slots: Sequence[ShownSlot]) -> UserCard:
        """Return the card of a user with the list `slots`."""
        row = int(self._rows[user_id])
        history = () if row < 0 else user_history(self._interactions, self._scan, row, None)
        shown = history[:_HISTORY_ROWS]
        labels = self._labels.of(
            pl.Series([one.item_id for one in shown], dtype=self._interactions.item_ids.dtype)
        )
        rows = [
            HistoryRow(label.title, label.item_id, label.category, self._figure(one))
            for label, one in zip(labels, shown, strict=True)
        ]
        source = next((slot.source for slot in slots if slot.source in EXPLAINED), "")
        main = source or (slots[0].source if slots else "")
        return UserCard(
            user_id=readable(user_id),
            summary=_summary(len(history), main, len(slots)),
            history=tuple(rows),
            older=len(history) - len(rows),
            recommended=self._recommended(slots[:_LIST_ROWS], main),
            more=max(0, len(slots) - _LIST_ROWS),
        )

    def _figure(self, item: HistoryItem) -> str:
        return score(item.strength) if self._interactions.newest is None else day(item.last_time)

    def _recommended(self, slots: Sequence[ShownSlot], main: str) -> tuple[RecommendedRow, ...]:
        dtype = self._interactions.item_ids.dtype
        labels = self._labels.of(pl.Series([slot.item_id for slot in slots], dtype=dtype))
        reasons = pl.Series([item for slot in slots for item, _ in slot.reasons], dtype=dtype)
        titles: Mapping[object, str] = {
            item: label.title for item, label in zip(reasons.to_list(), self._labels.of(reasons), strict=True)
        }
        return tuple(
            RecommendedRow(
                rank=str(slot.rank),
                title=label.title,
                item_id=label.item_id,
                category=label.category,
                score="–" if slot.score is None else score(slot.score),
                source="" if slot.source == main else SOURCE_NAMES.get(slot.source, readable(slot.source)),
                reasons=tuple((titles[item], percent(share, 0)) for item, share in slot.reasons),
                is_personal=slot.source in EXPLAINED,
            )
            for label, slot in zip(labels, slots, strict=True)
        )

    def _scan(self) -> pl.LazyFrame:
        """Return the events of the sampled users, which are read once."""
        if self._events is None:
            events = self._artifacts.dataset.scan_events()
            self._events = events.filter(pl.col("user_id").is_in(self._sample.implode())).collect().lazy()
        return self._events


def _summary(items: int, source: str, slots: int) -> str:
    has = plural(items, "item") if items else "no history"
    if not slots:
        return f"{has}, no list"
    return f"{has}, list of {count(slots)}: {SOURCE_NAMES.get(source, readable(source))}"
