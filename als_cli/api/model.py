"""Models in Python: training, lists, similar items and reasons."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from als_cli.als.recipe import Recipe
from als_cli.als.threads import available_threads
from als_cli.api.arguments import Ids, ids_of
from als_cli.api.context import Workspace, in_section
from als_cli.api.dataset import Dataset
from als_cli.api.histories import lists_for_histories
from als_cli.arrays import Float32Array
from als_cli.dataset.interactions import rows_of
from als_cli.errors import DataError
from als_cli.ranking.audience import Audience
from als_cli.ranking.lists import output_schema
from als_cli.ranking.recommender import Recommender
from als_cli.ranking.refresh import refreshed
from als_cli.ranking.rules.list_rules import ListRules
from als_cli.ranking.rules.reading import read_rules
from als_cli.ranking.similar import similar_items
from als_cli.ranking.trained_model import TrainedModel
from als_cli.ranking.vector_lists import ListedRows, VectorTable, cosine_ranking
from als_cli.stages.train import train
from als_cli.storage.model_files import open_model, publish_model
from als_cli.storage.publish import staged_folder
from als_cli.storage.run_locks import run_locks

_FEW = 100
"""Up to this number of items, plain numpy is faster than all lists."""


class Model:
    """Factors of users and items, with the hyperparameters that fold in new histories."""

    def __init__(self, trained: TrainedModel, recipe: Recipe) -> None:
        """Use :meth:`open`, :meth:`train` or :func:`als_cli.api.exchange.from_implicit` instead."""
        self.trained = trained
        self.recipe = recipe

    @classmethod
    def open(cls, workspace: str | Path, *, threads: int | None = None) -> "Model":
        """Return the model that ``als train`` published in `workspace`; `threads` None means all.

        Raises
        ------
        ArtifactError
            The model is missing or broken, or has another format version.
        """
        stored = open_model(Workspace(workspace).folder / "models")
        return cls(stored, stored.recipe(threads or available_threads()))

    @classmethod
    def train(cls, dataset: Dataset, *, workspace: str | Path | None = None, **settings: Any) -> "Model":
        """Return a model that is trained on `dataset`, as by ``als train``.

        `settings` are keys of config section `train`, for example ``factors=64, iterations=10``. Keys that are not given
        are selected on validation sets. The model is published in `workspace`, if this is given.

        Raises
        ------
        ConfigError
            A setting is unknown or wrong, or does not fit the dataset.
        TrainingError
            The factors are not finite.
        """
        place = Workspace(workspace)
        context = place.context(in_section("train", settings), dataset.place)
        with run_locks("train", context.config):
            train(context)
        return cls.open(place.folder, threads=context.threads)

    def save(self, workspace: str | Path) -> Path:
        """Publish the model in `workspace`, for ``als recommend`` and other commands. Return the folder of the version.

        ``als run`` does not know how the model was made, so it trains another one.

        Raises
        ------
        ResourceError
            The folder cannot be written.
        LockedError
            Another run writes to the workspace.
        """
        place = Workspace(workspace)
        context = place.context({})
        with run_locks("train", context.config), staged_folder(context.models_place) as folder:
            publish_model(folder, self.trained, self.recipe, context.config.model_dump(mode="json"))
        return context.models_place.resolve()

    @property
    def user_ids(self) -> pl.Series:
        """(U,) user ids; row r of the user factors belongs to id r."""
        return self.trained.user_ids

    @property
    def item_ids(self) -> pl.Series:
        """(I,) item ids; row r of the item factors belongs to id r."""
        return self.trained.item_ids

    @property
    def user_factors(self) -> Float32Array:
        """(U, f) float32, read-only if they are mapped from a file."""
        return self.trained.factors.users

    @property
    def item_factors(self) -> Float32Array:
        """(I, f) float32, read-only if they are mapped from a file."""
        return self.trained.factors.items

    def recommend(
        self, dataset: Dataset, users: Ids | None = None, *, top_n: int = 20, **settings: Any
    ) -> pl.DataFrame:
        """Return the lists of `users`: user_id, rank (from 1), item_id, score (Float32), source, sorted by user and rank.

        Users are sorted by id, without duplicates; None means all users of `dataset`. The histories and the demand are
        those of `dataset`, which may be newer than the model. Users that it does not know get the fallback. `settings` are
        keys of config section `recommend`, for example ``exclude_seen=False`` or ``because=3``. The lists are those of
        ``als recommend``.

        Raises
        ------
        ArtifactError
            Model and dataset do not belong together.
        ConfigError
            A setting is unknown or wrong.
        DataError
            `users` is no list, or an id cannot be a user id of the dataset.
        """
        keys = in_section("recommend", settings | {"top_n": top_n})
        config = Workspace(dataset.workspace).context(keys).config.recommend
        interactions, as_of = dataset.interactions, dataset.stored.manifest.as_of
        ranked, recipe = refreshed(config.refresh, interactions, self.trained, self.recipe)
        rules = replace(read_rules(config, ranked, as_of or datetime.now(UTC)).rules, because=config.because)
        recommender = Recommender(interactions, ranked, recipe, rules, as_of, scan_events=dataset.events)
        wanted = interactions.user_ids if users is None else ids_of(users, interactions.user_ids, "user")
        audience = Audience(wanted, rows_of(interactions.user_ids, wanted))
        blocks = recommender.blocks(audience, config.block_users, max(1, len(wanted)))
        empty = output_schema(
            "rows", wanted.dtype, ranked.item_ids.dtype, because=config.because > 0
        ).to_frame()
        return pl.concat([empty, *(recommender.lists_for(block).rows() for block in blocks)])

    def recommend_histories(
        self,
        histories: pl.DataFrame,
        *,
        dataset: Dataset | None = None,
        top_n: int = 20,
        exclude_seen: bool = True,
    ) -> pl.DataFrame:
        """Return lists for histories that are in no dataset: user_id, rank (from 1), item_id, score (Float32).

        `histories` has the columns user_id (any type), item_id, and optionally strength (default 1). Their users are folded in. Items
        that the model does not know do not count; users without any other item get no list. The demand is that of
        `dataset`. It may be None only if the model's ranking does not depend on demand.

        Raises
        ------
        ArtifactError
            The model needs a dataset.
        DataError
            `histories` is no DataFrame of polars, a column is missing, or an id cannot be an item id of the model.
        """
        return lists_for_histories(self.trained, self.recipe, histories, dataset, top_n, exclude_seen)

    def similar_items(self, items: Ids | None = None, *, top_n: int = 20) -> pl.DataFrame:
        """Return the nearest items by cosine: item_id, rank (from 1), similar_id, score (Float32). None means all items.

        Raises
        ------
        DataError
            `items` is no list, or the model has no item with one of these ids.
        """
        rows = np.arange(len(self.item_ids)) if items is None else self._rows(items)
        if len(rows) <= _FEW:
            top = similar_items(self.item_factors, rows.astype(np.int64), top_n)
            of, slots = np.nonzero(top.filled)
            return pl.DataFrame(
                {
                    "item_id": self.item_ids.gather(rows[of]),
                    "rank": pl.Series(slots + 1, dtype=pl.Int32),
                    "similar_id": self.item_ids.gather(top.item_rows[of, slots]),
                    "score": top.scores[of, slots],
                }
            )
        table = VectorTable("item_id", self.item_ids, self.item_factors)
        ranking = cosine_ranking(table, ListedRows(top_n), self.recipe.settings.threads)
        blocks = ranking.blocks(4096, ranking.queries)
        lists = pl.concat([ranking.lists_for(block).rows(ranking.schema()) for block in blocks])
        wanted = self.item_ids.gather(rows)
        return lists if items is None else lists.filter(pl.col("item_id").is_in(wanted.implode()))

    def explain(self, dataset: Dataset, user: Any, items: Ids, *, because: int = 3) -> pl.DataFrame:
        """Return why `items` have their scores for `user`: item_id, score, because (item of the history), share.

        There are up to `because` rows per item, the largest share of its score first. The shares of a whole history add up
        to 1, less the share of the offset of the demand.

        Raises
        ------
        DataError
            The dataset does not know the user, or the model does not know an item.
        """
        rules = ListRules(top_n=1, because=because)
        recommender = Recommender(dataset.interactions, self.trained, self.recipe, rules)
        wanted = ids_of([user], dataset.user_ids, "user")
        rows = rows_of(dataset.user_ids, wanted)
        if rows[0] < 0:
            raise DataError(f"no user {user!r} in the dataset", hint="`Dataset.user_ids` has all users")
        (block,) = recommender.blocks(Audience(wanted, rows), 1, 1)
        listed = self._rows(items)[None]
        top, reasons = recommender.explained(block, listed)
        _, slots, kept = np.nonzero(reasons.item_rows >= 0)
        return pl.DataFrame(
            {
                "item_id": self.item_ids.gather(listed[0, slots]),
                "score": top.scores[0, slots],
                "because": self.item_ids.gather(reasons.item_rows[0, slots, kept]),
                "share": reasons.shares[0, slots, kept],
            }
        )

    def _rows(self, items: Ids) -> np.ndarray:
        wanted = ids_of(items, self.item_ids, "item")
        rows = rows_of(self.item_ids, wanted)
        if (rows < 0).any():
            raise DataError(
                f"no item {wanted[int(np.argmin(rows))]!r} in the model",
                hint="`Model.item_ids` has all items",
            )
        return rows

    def __repr__(self) -> str:
        users, items = len(self.user_ids), len(self.item_ids)
        return f"Model({users:,} users, {items:,} items, {self.item_factors.shape[1]} factors)"
