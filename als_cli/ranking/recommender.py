"""Top-N lists for blocks of users, each from the best available source."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import csr_matrix

from als_cli.als.demand import weighted_items, with_offset
from als_cli.als.recipe import Recipe
from als_cli.arrays import BoolArray, Float32Array, Int32Array, Int64Array
from als_cli.config.recommend import RecommendConfig
from als_cli.dataset.histories import renumber_items, take_histories
from als_cli.dataset.interactions import Interactions, rows_of
from als_cli.errors import ArtifactError, ResourceError
from als_cli.ranking.audience import Audience
from als_cli.ranking.catalog import Candidates
from als_cli.ranking.item_demand import ModelItems, check_times, weights_in
from als_cli.ranking.lists import ALS, FOLD_IN, POPULAR, SOURCES, UserLists
from als_cli.ranking.memory import available_bytes, block_size, ranking_bytes
from als_cli.ranking.native_top_n import ItemIndex, item_index, top_n_of
from als_cli.ranking.popularity import popularity_list
from als_cli.ranking.top_n import TopN, top_n
from als_cli.ranking.trained_model import TrainedModel

_NO_SOURCE = ""


@dataclass(frozen=True)
class UserBlock:
    """B users and their rows in dataset and model; -1 for users that are not in them."""

    user_ids: pl.Series
    dataset_rows: Int32Array
    model_rows: Int32Array


@dataclass(frozen=True)
class ListRules:
    """Which items a list may contain."""

    top_n: int
    """Items asked for. Lists have at most as many slots as there are candidates."""
    exclude_seen: bool
    allowed: BoolArray | None
    """(I,) by the model's item row; None means that all items are allowed."""
    popular_fallback: bool
    """Whether users without history get the popularity list. Otherwise they get no list."""

    @classmethod
    def of(cls, config: RecommendConfig, candidates: Candidates | None) -> "ListRules":
        """Return the rules of section `recommend`; `candidates` None means that all items are allowed."""
        return cls(
            top_n=config.top_n,
            exclude_seen=config.exclude_seen,
            allowed=None if candidates is None else candidates.allowed,
            popular_fallback=config.fallback == "popular",
        )


class Recommender:
    """Makes lists from a model and the histories of a dataset, which may be newer than the model.

    | user | source of the list |
    |---|---|
    | in the dataset and in the model | `als`: the trained factors |
    | in the dataset only, with items that the model knows | `fold_in`: factors folded in from the history |
    | without history, or without any item that the model knows | `popular`: the popularity list |

    Users that are only in the model have no history. The first two sources rank by the demand rule of the recipe. The
    demand is that of the dataset, so the lists of an old model follow the newest events.
    """

    def __init__(
        self, interactions: Interactions, model: TrainedModel, recipe: Recipe, rules: ListRules
    ) -> None:
        """Make lists by `rules` from the `interactions` of a dataset, a `model` and the `recipe` of its training.

        Raises
        ------
        ArtifactError
            The ids of dataset and model have different types. Or the recipe needs times, but the dataset has none.
        """
        check_id_types(interactions, model)
        check_times(interactions, recipe)
        self._interactions = interactions
        self._times = None if recipe.fold_in_half_life is None else interactions.times
        self._model = model
        self._rules = rules
        self._recipe = recipe
        self._threads = recipe.settings.threads
        self._items = ModelItems(interactions, model.item_ids)
        self._slots = min(rules.top_n, self.candidates)

    @property
    def candidates(self) -> int:
        """Items that may be recommended."""
        allowed = self._rules.allowed
        return len(self._model.item_ids) if allowed is None else int(allowed.sum())

    def check_memory(self, users: int, block_users: int) -> None:
        """Return when there is enough memory to rank for `users`, in blocks of at most `block_users`.

        Raises
        ------
        ResourceError
            There is too little memory.
        """
        items, factors = self._model.factors.items.shape
        rule, block = self._recipe.demand, block_size(min(users, block_users), self._slots)
        weighted = 0 if rule.is_neutral else items
        needed = ranking_bytes(self.candidates, factors, block, self._slots, weighted)
        available = available_bytes()
        if available is not None and needed > available:
            raise ResourceError(
                f"ranking needs about {needed / 2**30:.1f} GiB of memory, but only {available / 2**30:.1f} GiB are available",
                hint="free memory, recommend fewer items (recommend.items.where), or lower train.factors or"
                " recommend.block_users",
            )

    def blocks(self, audience: Audience, block_users: int, users_per_part: int) -> Iterator[UserBlock]:
        """Yield the audience in blocks of at most `block_users`. No block crosses a multiple of `users_per_part`.

        Blocks are smaller if lists are long, so that the number of slots per block is bounded.
        """
        block_users = block_size(block_users, self._slots)
        model_rows = rows_of(self._model.user_ids, audience.user_ids)
        start, users = 0, len(audience.user_ids)
        while start < users:
            end = min(start + block_users, (start // users_per_part + 1) * users_per_part, users)
            yield UserBlock(
                audience.user_ids[start:end], audience.user_rows[start:end], model_rows[start:end]
            )
            start = end

    def lists_for(self, block: UserBlock) -> UserLists:
        """Return the lists of the users in `block`."""
        history = self._histories(self._interactions.matrix, block.dataset_rows)
        sources = self._sources(block, history)
        top = TopN.unfilled(len(sources), self._slots)
        for source in SOURCES:
            members = np.flatnonzero(sources == source)
            if len(members):
                found = self._rank(source, block, members, history[members])
                top.item_rows[members], top.scores[members] = found.item_rows, found.scores
        named = pl.Series(sources, dtype=pl.String)
        return UserLists(
            block.user_ids, self._model.item_ids, top, named.replace(_NO_SOURCE, None), self._rules.top_n
        )

    def _histories(self, matrix: csr_matrix, dataset_rows: Int32Array) -> csr_matrix:
        """Return `dataset_rows` (B,) of strengths or times `matrix`, by the model's item rows: (B, I).

        Items that the model does not know are left out.
        """
        history = take_histories(matrix, dataset_rows)
        if self._items.rows is None:
            return history
        return renumber_items(history, self._items.rows, self._items.count)

    def _sources(self, block: UserBlock, history: csr_matrix) -> npt.NDArray[np.object_]:
        has_history = block.dataset_rows >= 0
        factors = self._model.factors.users[np.maximum(block.model_rows, 0)]
        trained = has_history & (block.model_rows >= 0) & factors.any(axis=1)
        foldable = has_history & ~trained & (np.diff(history.indptr) > 0)
        sources = np.full(
            len(block.user_ids), POPULAR if self._rules.popular_fallback else _NO_SOURCE, dtype=object
        )
        sources[foldable] = FOLD_IN
        sources[trained] = ALS
        return sources

    def _rank(self, source: str, block: UserBlock, members: Int64Array, history: csr_matrix) -> TopN:
        """Return the lists of `members` (B,) of a block: (B, n), or one list for all of them, (1, n).

        `history` (B, I) has their strengths.
        """
        if source == POPULAR:
            return self._popular
        users = self._users(source, block, members, history)
        seen = history if self._rules.exclude_seen else None
        if len(users) == 1:  # gives the same list, and compiles no kernel
            return top_n(users, self._ranked_items, self._slots, seen=seen, allowed=self._rules.allowed)
        return top_n_of(self._index, users, self._slots, seen=seen, threads=self._threads)

    def _users(self, source: str, block: UserBlock, members: Int64Array, history: csr_matrix) -> Float32Array:
        """Return trained or folded-in factors of `members` (B,) of a block: (B, f), or (B, f + 1) with an offset."""
        if source == ALS:
            users = self._model.factors.users[block.model_rows[members]]
        else:
            times = None
            if self._times is not None:
                times = self._histories(self._times, block.dataset_rows[members])
            users = self._recipe.fold_in(self._model.factors.items, history, times)
        return with_offset(users, self._weights, self._recipe.demand.offset)

    @cached_property
    def _weights(self) -> Float32Array | None:
        return weights_in(self._recipe.demand, self._interactions, self._items)

    @cached_property
    def _ranked_items(self) -> Float32Array:
        return weighted_items(self._model.factors.items, self._weights, self._recipe.demand.offset)

    @cached_property
    def _index(self) -> ItemIndex:
        return item_index(self._ranked_items, self._rules.allowed)

    @cached_property
    def _popular(self) -> TopN:
        # Users with this list have seen no item that the model knows, so no seen items have to be left out.
        return popularity_list(self._model.item_interactions, self._slots, self._rules.allowed)


def check_id_types(interactions: Interactions, model: TrainedModel) -> None:
    """Raise an ArtifactError if the ids of dataset and model have different types."""
    check_id_type("user", interactions.user_ids, model.user_ids)
    check_id_type("item", interactions.item_ids, model.item_ids)


def check_id_type(side: str, in_dataset: pl.Series, in_model: pl.Series) -> None:
    """Raise an ArtifactError if the ids of a `side`, user or item, have different types in dataset and model."""
    if in_dataset.dtype != in_model.dtype:
        raise ArtifactError(
            f"{side} ids are {in_dataset.dtype} in the dataset and {in_model.dtype} in the model",
            hint="run `als train` again",
        )
