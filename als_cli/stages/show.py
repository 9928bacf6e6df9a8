"""`als show`: the model, a user's history beside the recommendations, an item's neighbours."""

from dataclasses import replace

import numpy as np
import polars as pl

from als_cli.config.recommend_checks import check_event_types
from als_cli.dataset.interactions import cast_ids, rows_of
from als_cli.errors import DataError
from als_cli.ranking.audience import Audience
from als_cli.ranking.catalog import read_catalog
from als_cli.ranking.item_names import ItemNames, user_history
from als_cli.ranking.lists import SOURCES
from als_cli.ranking.recommender import Recommender
from als_cli.ranking.refresh import refreshed
from als_cli.ranking.rules.reading import read_rules
from als_cli.ranking.show_reports import ItemReport, ModelReport, PopularItem, UserReport
from als_cli.ranking.similar import similar_items
from als_cli.ranking.trained_model import check_same_id_type
from als_cli.ranking.trends import Trends, trends_of
from als_cli.stages.context import StageContext, reads_events
from als_cli.stages.near_ids import near_ids
from als_cli.storage.dataset_files import open_dataset, read_titles
from als_cli.storage.instants import open_model_as_of
from als_cli.storage.model_files import ItemSide, StoredModel, open_items, open_model
from als_cli.storage.publish import current_version

_POPULAR_ITEMS = 10
_REASONS = 3


def show_model(context: StageContext) -> ModelReport:
    """Return a description of the current model and of its training.

    Raises
    ------
    ArtifactError
        There is no model, or it is broken.
    """
    model = open_model(context.models_place)
    manifest = model.manifest
    names = _names(context, model)
    users = model.item_interactions.to_numpy().astype(np.int64)
    popular = np.argsort(-users, kind="stable")[:_POPULAR_ITEMS]
    return ModelReport(
        model=str(model.folder),
        created=manifest.created,
        tool_version=manifest.tool_version,
        users=len(model.user_ids),
        items=len(model.item_ids),
        interactions=manifest.counts.get("interactions", int(users.sum())),
        user_id_type=str(model.user_ids.dtype),
        item_id_type=str(model.item_ids.dtype),
        bytes=sum(output.bytes for output in manifest.outputs),
        recipe=model.recipe(context.threads).to_json(),
        loss=model.losses,
        seconds=manifest.seconds,
        popular=tuple(PopularItem(**names.entry(row), users=int(users[row])) for row in popular),
    )


@reads_events
def show_user(context: StageContext, user_text: str) -> UserReport:
    """Return the history of the user with id `user_text`, and the list that `recommend` would make.

    The list is made for the instant of the dataset, which `events.as_of` of the config does not change.

    Raises
    ------
    ArtifactError
        The dataset or the model is missing or broken, or the model may know events that the dataset's instant excludes.
    DataError
        The dataset has no user with this id. The hint suggests similar ids.
    """
    config = context.config.recommend
    dataset = open_dataset(context.dataset_place)
    model = open_model_as_of(context.models_place, dataset, dataset.manifest.as_of)
    interactions = dataset.interactions
    row = _row_of(interactions.user_ids, user_text, "user", "the dataset")
    as_of = context.config.events.as_of or dataset.manifest.as_of
    ranked, recipe = refreshed(config.refresh, interactions, model, model.recipe(context.threads))
    check_event_types(config, context.config.events)
    read = read_rules(config, ranked, as_of)
    rules = replace(read.rules, because=config.because or _REASONS)
    recommender = Recommender(interactions, ranked, recipe, rules, as_of, scan_events=dataset.scan_events)
    trends = trends_of(recipe.demand, interactions, ranked.item_ids)
    audience = Audience(interactions.user_ids[row : row + 1], np.array([row], dtype=np.int32))
    lists = recommender.lists_for(next(recommender.blocks(audience, 1, 1)))
    titles = dataset.titles()
    names = ItemNames(read.catalog, ranked.item_ids, titles)
    return UserReport(
        user_id=interactions.user_ids[row],
        source=None if lists.main_sources[0] < 0 else SOURCES[lists.main_sources[0]],
        wanted=config.top_n,
        history=user_history(interactions, dataset.scan_events, row, read.catalog, titles),
        recommended=names.ranked(lists.top, trends, lists.because),
        half_lives=None if trends is None else trends.half_lives,
    )


def show_item(context: StageContext, item_text: str) -> ItemReport:
    """Return the items nearest to the item with id `item_text`, by the cosine of their factors.

    The demand for these items comes from the dataset, if there is one and the ranking depends on demand.

    Raises
    ------
    ArtifactError
        There is no model, or it is broken. Or the dataset is broken, or its ids have another type.
    DataError
        The model has no item with this id. The hint suggests similar ids.
    """
    model = open_items(context.models_place)
    row = _row_of(model.item_ids, item_text, "item", "the model")
    names = _names(context, model)
    nearest = similar_items(model.item_factors, np.array([row]), context.config.recommend.top_n)
    users, trends = int(model.item_interactions[row]), _trends(context, model)
    return ItemReport(
        **names.entry(row),
        users=users,
        popularity_rank=int((model.item_interactions > users).sum()) + 1,
        items=len(model.item_ids),
        demand=None if trends is None else trends.of(row),
        half_lives=None if trends is None else trends.half_lives,
        neighbours=names.ranked(nearest, trends),
    )


def _trends(context: StageContext, model: ItemSide) -> Trends | None:
    rule = model.recipe(context.threads).demand
    if rule.half_life is None or current_version(context.dataset_place) is None:
        return None  # without reading a large dataset
    interactions = open_dataset(context.dataset_place).interactions
    check_same_id_type("item", interactions.item_ids, model.item_ids)
    return trends_of(rule, interactions, model.item_ids)


def _names(context: StageContext, model: StoredModel | ItemSide) -> ItemNames:
    items = context.config.recommend.items
    catalog = None if items is None else read_catalog(items, model.item_ids.dtype)
    return ItemNames(catalog, model.item_ids, read_titles(context.dataset_place))


def _row_of(ids: pl.Series, text: str, side: str, owner: str) -> int:
    wanted = cast_ids(pl.Series([text.strip()]), ids.dtype)
    row = -1 if wanted[0] is None else int(rows_of(ids, wanted)[0])
    if row >= 0:
        return row
    if wanted[0] is None:
        raise DataError(
            f"{text!r} cannot be a {side} id: ids are {ids.dtype}, for example {ids[0]!r}",
            hint=f"give an id of {owner}",
        )
    raise DataError(f"no {side} {text!r} in {owner}", hint=near_ids(ids, text))
