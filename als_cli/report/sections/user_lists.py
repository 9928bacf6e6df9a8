"""The lists of some users with their reasons: the published lists, or lists that are made from the model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import polars as pl

from als_cli.als.recipe import Recipe
from als_cli.arrays import BoolArray
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
from als_cli.storage.model_files import StoredModel
from als_cli.tables.scan import reading

_REASONS = 3
_PLAIN_SIZE = 1 << 26
"""Maximum size of the item factors that are copied as float64 (512 MiB), which needs no compiled kernel."""
SMALLEST_SHARE = 0.01
"""Smallest fraction of a score that is shown as a reason."""
EXPLAINED = ("als", "fold_in")
"""Sources of slots that have reasons."""


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
    model = artifacts.model
    if stored is None:
        return {} if model is None else _explained(_made(artifacts, model, users, instant), artifacts, model)
    interactions = artifacts.dataset.interactions
    table = stored.table.with_types(interactions.user_ids.dtype, interactions.item_ids.dtype)
    rows = _rows_of(table, users).group_by("user_id", maintain_order=True)
    lists = {user_id: _slots(of_user, has_reasons=table.has_reasons) for (user_id,), of_user in rows}
    return lists if model is None or table.has_reasons else _explained(lists, artifacts, model)


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


def _explained(lists: UsersLists, artifacts: Artifacts, model: StoredModel) -> UsersLists:
    """Return `lists` with the reasons of the items that the model ranked, from the histories of the dataset."""
    if not lists:
        return lists
    interactions = artifacts.dataset.interactions
    ranked, recipe = _ranked(artifacts, model)
    items = ModelItems(interactions, ranked.item_ids)
    explainer = Explainer(
        recipe, ranked.factors.items, weights_in(recipe.demand, interactions, items), _REASONS
    )
    users = rows_of(interactions.user_ids, pl.Series(list(lists), dtype=interactions.user_ids.dtype))
    top, explained = _as_arrays(lists, ranked.item_ids)
    times = interactions.times if recipe.fold_in_half_life is not None else None
    found = explainer.reasons(
        items.histories(interactions.matrix, users),
        None if times is None else items.histories(times, users),
        top,
        explained & (users >= 0)[:, None],
        few_users=ranked.factors.items.size <= _PLAIN_SIZE,
    )
    return {
        user_id: [
            replace(slot, reasons=_reasons(found, number, place, ranked.item_ids))
            for place, slot in enumerate(slots)
        ]
        for number, (user_id, slots) in enumerate(lists.items())
    }


def _as_arrays(lists: UsersLists, item_ids: pl.Series) -> tuple[TopN, BoolArray]:
    """Return `lists` by item row, filled up with empty slots, and which slots the model ranked, (B, n)."""
    longest = max((len(slots) for slots in lists.values()), default=0)
    rows = np.full((len(lists), longest), -1, np.int32)
    scores = np.full((len(lists), longest), -np.inf, np.float32)
    explained = np.zeros((len(lists), longest), bool)
    for number, slots in enumerate(lists.values()):
        ids = pl.Series([slot.item_id for slot in slots], dtype=item_ids.dtype)
        rows[number, : len(slots)] = rows_of(item_ids, ids)
        scores[number, : len(slots)] = [slot.score or 0.0 for slot in slots]
        explained[number, : len(slots)] = [slot.source in EXPLAINED for slot in slots]
    return TopN(rows, scores), explained & (rows >= 0)


def _reasons(found: Reasons, user: int, slot: int, item_ids: pl.Series) -> tuple[tuple[object, float], ...]:
    """Return the reasons of a slot, without small ones."""
    entries = zip(found.item_rows[user, slot], found.shares[user, slot], strict=True)
    return tuple(
        (item_ids[int(row)], float(share)) for row, share in entries if row >= 0 and share >= SMALLEST_SHARE
    )


def _ranked(artifacts: Artifacts, model: StoredModel) -> tuple[TrainedModel, Recipe]:
    recipe = model.recipe(artifacts.threads)
    return refreshed(artifacts.recommend.refresh, artifacts.dataset.interactions, model, recipe)


def _made(artifacts: Artifacts, trained: StoredModel, users: pl.Series, instant: datetime) -> UsersLists:
    """Return the lists that `als recommend` would make for `instant`, apart from rules about earlier lists."""
    interactions = artifacts.dataset.interactions
    model, recipe = _ranked(artifacts, trained)
    read = read_rules(artifacts.recommend, model, instant)
    rules = replace(read.rules, because=0)
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
            (),
        )
        for slot, row in enumerate(top.item_rows[0])
        if row >= 0
    ]
