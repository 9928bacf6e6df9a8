"""`als show`: a model, a user's history beside the list, an item's neighbours."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl

from als_cli.dataset.interactions import cast_ids, rows_of
from als_cli.errors import DataError
from als_cli.ranking.audience import Audience
from als_cli.ranking.catalog import Catalog, read_catalog
from als_cli.ranking.recommender import Recommender
from als_cli.ranking.similar import similar_items
from als_cli.ranking.top_n import TopN
from als_cli.stages.context import StageContext
from als_cli.stages.near_ids import near_ids
from als_cli.stages.recommend import rules_of
from als_cli.stages.show_reports import (
    HistoryItem,
    ItemReport,
    ModelReport,
    PopularItem,
    RankedItem,
    UserReport,
)
from als_cli.storage.dataset_files import Dataset, open_dataset
from als_cli.storage.model_files import Model, open_model

_MOST_POPULAR = 10
_BEFORE_ALL_TIMES = datetime.min.replace(tzinfo=UTC)


def show_model(context: StageContext) -> ModelReport:
    """Return what the current model is, and how it was trained.

    Raises
    ------
    ArtifactError
        There is no model, or it is broken.
    """
    model = open_model(context.models_place)
    manifest = model.manifest
    most = np.argsort(-model.item_interactions.to_numpy().astype(np.int64), kind="stable")[:_MOST_POPULAR]
    names = _Names(_catalog(context, model), model.item_ids)
    return ModelReport(
        model=str(model.folder),
        created=manifest.created,
        tool_version=manifest.tool_version,
        users=len(model.user_ids),
        items=len(model.item_ids),
        interactions=manifest.counts.get("interactions", int(model.item_interactions.sum())),
        user_id_type=str(model.user_ids.dtype),
        item_id_type=str(model.item_ids.dtype),
        bytes=sum(output.bytes for output in manifest.outputs),
        recipe=model.recipe(context.threads).to_json(),
        loss=tuple(manifest.metrics.get("loss", ())),
        seconds=manifest.seconds,
        popular=tuple(
            PopularItem(**names.entry(row), users=int(model.item_interactions[int(row)])) for row in most
        ),
    )


def show_user(context: StageContext, user_text: str) -> UserReport:
    """Return the history and the list of the user whose id is `user_text`, as `recommend` would make it.

    Raises
    ------
    ArtifactError
        Dataset or model is missing or broken.
    DataError
        The dataset has no such user; near ids are suggested.
    """
    config = context.config.recommend
    dataset, model = open_dataset(context.dataset_place), open_model(context.models_place)
    row = _row_of(dataset.interactions.user_ids, user_text, "user", "the dataset")
    catalog = _catalog(context, model)
    candidates = None if catalog is None else catalog.candidates(model.item_ids)
    recommender = Recommender(
        dataset.interactions, model, model.recipe(context.threads), rules_of(config, candidates)
    )
    user_rows = np.array([row], dtype=np.int32)
    audience = Audience(dataset.interactions.user_ids[row : row + 1], user_rows)
    lists = recommender.lists_for(next(recommender.blocks(audience, 1, 1)))
    names = _Names(catalog, model.item_ids)
    return UserReport(
        user_id=dataset.interactions.user_ids[row],
        source=lists.sources[0],
        wanted=config.top_n,
        history=_history(dataset, row, catalog),
        recommended=names.ranked(lists.top),
    )


def show_item(context: StageContext, item_text: str) -> ItemReport:
    """Return the neighbours of the item whose id is `item_text`, by the cosine of their factors.

    Raises
    ------
    ArtifactError
        There is no model, or it is broken.
    DataError
        The model has no such item; near ids are suggested.
    """
    model = open_model(context.models_place)
    row = _row_of(model.item_ids, item_text, "item", "the model")
    names = _Names(_catalog(context, model), model.item_ids)
    nearest = similar_items(model.factors.items, np.array([row]), context.config.recommend.top_n)
    users = int(model.item_interactions[row])
    return ItemReport(
        **names.entry(row),
        users=users,
        popularity_rank=int((model.item_interactions > users).sum()) + 1,
        items=len(model.item_ids),
        neighbours=names.ranked(nearest),
    )


class _Names:
    """Ids and titles by item row."""

    def __init__(self, catalog: Catalog | None, item_ids: pl.Series) -> None:
        self._item_ids = item_ids
        self._titles = None if catalog is None else catalog.titles_of(item_ids)

    def entry(self, item_row: Any) -> dict[str, Any]:
        row = int(item_row)
        return {"item_id": self._item_ids[row], "title": None if self._titles is None else self._titles[row]}

    def ranked(self, top: TopN) -> tuple[RankedItem, ...]:
        places = zip(top.item_rows[0], top.scores[0], strict=True)
        return tuple(
            RankedItem(**self.entry(row), rank=rank, score=float(score))
            for rank, (row, score) in enumerate(places, start=1)
            if row >= 0
        )


def _catalog(context: StageContext, model: Model) -> Catalog | None:
    items = context.config.recommend.items
    return None if items is None else read_catalog(items, model.item_ids.dtype)


def _history(dataset: Dataset, user_row: int, catalog: Catalog | None) -> tuple[HistoryItem, ...]:
    interactions = dataset.interactions
    pairs = interactions.matrix[user_row]
    names = _Names(catalog, interactions.item_ids)
    last_times = _last_times(dataset, interactions.user_ids[user_row])
    items = [
        HistoryItem(
            **names.entry(item),
            strength=float(strength),
            last_time=last_times.get(interactions.item_ids[int(item)]),
        )
        for item, strength in zip(pairs.indices, pairs.data, strict=True)
    ]
    return tuple(
        sorted(items, key=lambda item: (item.last_time or _BEFORE_ALL_TIMES, item.strength), reverse=True)
    )


def _last_times(dataset: Dataset, user_id: Any) -> dict[Any, datetime | None]:
    newest = (
        dataset.scan_events()
        .filter(pl.col("user_id") == user_id)
        .group_by("item_id")
        .agg(pl.col("timestamp").max())
        .collect()
    )
    return dict(zip(newest["item_id"], newest["timestamp"], strict=True))


def _row_of(ids: pl.Series, text: str, side: str, place: str) -> int:
    wanted = cast_ids(pl.Series([text.strip()]), ids.dtype)
    row = -1 if wanted[0] is None else int(rows_of(ids, wanted)[0])
    if row >= 0:
        return row
    if wanted[0] is None:
        raise DataError(
            f"{text!r} cannot be a {side} id: ids are {ids.dtype}, for example {ids[0]!r}",
            hint=f"give an id of {place}",
        )
    raise DataError(f"no {side} {text!r} in {place}", hint=near_ids(ids, text))
