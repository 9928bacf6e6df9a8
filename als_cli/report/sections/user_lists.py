"""The lists of some users with their reasons: the published lists, or lists that are made from the model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import polars as pl

from als_cli.als.recipe import Recipe
from als_cli.dataset.interactions import rows_of
from als_cli.evaluation.list_tables import ListTable
from als_cli.ranking.audience import Audience
from als_cli.ranking.item_demand import ModelItems, weights_in
from als_cli.ranking.lists import SOURCES, UserLists
from als_cli.ranking.reasons import Explainer, Reasons
from als_cli.ranking.recommender import Recommender
from als_cli.ranking.refresh import refreshed
from als_cli.ranking.rules.reading import read_rules
from als_cli.ranking.top_n import TopN
from als_cli.ranking.trained_model import TrainedModel
from als_cli.report.artifacts import Artifacts
from als_cli.storage.model_files import Model
from als_cli.tables.scan import reading

_REASONS = 3
SMALLEST_SHARE = 0.01
"""Smallest fraction of a score that is shown as a reason."""
_EXPLAINED = ("als", "fold_in")


@dataclass(frozen=True)
class ShownSlot:
    """A slot of a list."""

    rank: int
    item_id: object
    score: float | None
    source: str
    reasons: tuple[tuple[object, float], ...]
    """Ids of items of the history, and their fractions of the score, the largest first."""


UsersLists = Mapping[object, Sequence[ShownSlot]]
"""The lists by user id."""


def lists_of_users(artifacts: Artifacts, users: pl.Series, instant: datetime) -> UsersLists:
    """Return the published lists of `users`. Without lists in files, return lists that the model makes for `instant`.

    There are none without a model and without published lists.

    Raises
    ------
    AlsError
        The lists cannot be read. Or, for lists that are made here, a rule cannot be read.
    """
    stored = None if artifacts.lists is None else artifacts.lists.lists
    if users.is_empty():
        return {}
    if stored is None:
        return {} if artifacts.model is None else _made(artifacts, artifacts.model, users, instant)
    interactions = artifacts.dataset.interactions
    table = stored.table.with_types(interactions.user_ids.dtype, interactions.item_ids.dtype)
    rows = _rows_of(table, users)
    explain = None
    if artifacts.model is not None and not table.has_reasons:
        explain = _Explained(artifacts, artifacts.model)
    found: dict[object, Sequence[ShownSlot]] = {}
    for (user_id,), of_user in rows.group_by("user_id", maintain_order=True):
        slots = _slots(of_user, has_reasons=table.has_reasons)
        found[user_id] = slots if explain is None else explain.slots(user_id, slots)
    return found


def _rows_of(table: ListTable, users: pl.Series) -> pl.DataFrame:
    with reading(table.name):
        rows = table.frame.filter(pl.col("user_id").is_in(users.implode())).collect(engine="streaming")
    return rows.sort("user_id", "rank")


def _slots(rows: pl.DataFrame, *, has_reasons: bool) -> list[ShownSlot]:
    return [
        ShownSlot(
            row["rank"],
            row["item_id"],
            row["score"],
            row["source"] or "",
            tuple(zip(row["because"] or (), row["because_shares"] or (), strict=False))[:_REASONS]
            if has_reasons
            else (),
        )
        for row in rows.iter_rows(named=True)
    ]


class _Explained:
    """Finds the reasons of published lists, from the model and the histories of the dataset."""

    def __init__(self, artifacts: Artifacts, model: Model) -> None:
        interactions = artifacts.dataset.interactions
        ranked, self._recipe = _ranked(artifacts, model)
        self._interactions, self._item_ids = interactions, ranked.item_ids
        self._items = ModelItems(interactions, ranked.item_ids)
        weights = weights_in(self._recipe.demand, interactions, self._items)
        self._explainer = Explainer(self._recipe, ranked.factors.items, weights, _REASONS)

    def slots(self, user_id: object, slots: Sequence[ShownSlot]) -> list[ShownSlot]:
        """Return `slots` with the reasons of the items that the model ranked."""
        user = rows_of(
            self._interactions.user_ids, pl.Series([user_id], dtype=self._interactions.user_ids.dtype)
        )
        items = pl.Series([slot.item_id for slot in slots], dtype=self._item_ids.dtype)
        rows = rows_of(self._item_ids, items)
        if user[0] < 0:
            return list(slots)
        scores = np.array([slot.score or 0.0 for slot in slots], np.float32)
        explained = np.array([slot.source in _EXPLAINED for slot in slots]) & (rows >= 0)
        history = self._items.histories(self._interactions.matrix, user)
        times = self._interactions.times
        of_user = (
            None
            if times is None or self._recipe.fold_in_half_life is None
            else self._items.histories(times, user)
        )
        top = TopN(rows[None, :], scores[None, :])
        found = self._explainer.reasons(history, of_user, top, explained[None, :])
        return [
            replace(slot, reasons=_reasons(found, place, self._item_ids)) for place, slot in enumerate(slots)
        ]


def _reasons(found: Reasons, slot: int, item_ids: pl.Series) -> tuple[tuple[object, float], ...]:
    """Return the reasons of a slot of the first list that are a notable part of its score."""
    entries = zip(found.item_rows[0, slot], found.shares[0, slot], strict=True)
    return tuple(
        (item_ids[int(row)], float(share)) for row, share in entries if row >= 0 and share >= SMALLEST_SHARE
    )


def _ranked(artifacts: Artifacts, model: Model) -> tuple[TrainedModel, Recipe]:
    recipe = model.recipe(artifacts.threads)
    return refreshed(artifacts.recommend.refresh, artifacts.dataset.interactions, model, recipe)


def _made(artifacts: Artifacts, trained: Model, users: pl.Series, instant: datetime) -> UsersLists:
    """Return the lists that `als recommend` would make for `instant`, apart from rules about earlier lists."""
    interactions = artifacts.dataset.interactions
    model, recipe = _ranked(artifacts, trained)
    read = read_rules(artifacts.recommend, model, instant)
    rules = replace(read.rules, because=artifacts.recommend.because or _REASONS)
    recommender = Recommender(interactions, model, recipe, rules, artifacts.dataset.manifest.as_of)
    rows = rows_of(interactions.user_ids, users)
    found: dict[object, Sequence[ShownSlot]] = {}
    for place in range(len(users)):  # one user at a time compiles nothing
        audience = Audience(users[place : place + 1], rows[place : place + 1])
        lists = recommender.lists_for(next(recommender.blocks(audience, 1, 1)))
        found[users[place]] = _of_made(lists)
    return found


def _of_made(lists: UserLists) -> list[ShownSlot]:
    top = lists.top
    return [
        ShownSlot(
            slot + 1,
            lists.item_ids[int(row)],
            float(top.scores[0, slot]),
            SOURCES[lists.sources[0, slot]],
            () if lists.because is None else _reasons(lists.because, slot, lists.item_ids),
        )
        for slot, row in enumerate(top.item_rows[0])
        if row >= 0
    ]
