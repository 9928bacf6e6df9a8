"""Top-N lists for blocks of users, each from the best available source."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import csr_matrix

from als_cli.als.recipe import Recipe
from als_cli.arrays import BoolArray, Int32Array
from als_cli.config.recommend import RecommendConfig
from als_cli.dataset.histories import renumber_items, take_histories
from als_cli.dataset.interactions import Interactions, rows_of
from als_cli.errors import ArtifactError, ResourceError
from als_cli.ranking.audience import Audience
from als_cli.ranking.catalog import Candidates
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

    Users that are only in the model have no history.
    """

    def __init__(
        self, interactions: Interactions, model: TrainedModel, recipe: Recipe, rules: ListRules
    ) -> None:
        """Make lists by `rules` from the `interactions` of a dataset, a `model` and the `recipe` of its training.

        Raises
        ------
        ArtifactError
            The ids of dataset and model have different types.
        """
        check_id_types(interactions, model)
        self._matrix = interactions.matrix
        self._model = model
        self._rules = rules
        self._recipe = recipe
        self._threads = recipe.settings.threads
        items = interactions.item_ids
        self._slots = min(rules.top_n, self.candidates)
        self._item_rows = None if items.equals(model.item_ids) else rows_of(model.item_ids, items)

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
        factors = self._model.factors.items.shape[1]
        block = block_size(min(users, block_users), self._slots)
        needed, available = ranking_bytes(self.candidates, factors, block, self._slots), available_bytes()
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
        history = self._histories(block.dataset_rows)
        sources = self._sources(block, history)
        top = TopN.unfilled(len(sources), self._slots)
        for source in SOURCES:
            members = np.flatnonzero(sources == source)
            if len(members):
                found = self._rank(source, block.model_rows[members], history[members])
                top.item_rows[members], top.scores[members] = found.item_rows, found.scores
        named = pl.Series(sources, dtype=pl.String)
        return UserLists(
            block.user_ids, self._model.item_ids, top, named.replace(_NO_SOURCE, None), self._rules.top_n
        )

    def _histories(self, dataset_rows: Int32Array) -> csr_matrix:
        """Return the strengths (B, I) by the model's item rows, without items that the model does not know."""
        history = take_histories(self._matrix, dataset_rows)
        if self._item_rows is None:
            return history
        return renumber_items(history, self._item_rows, len(self._model.item_ids))

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

    def _rank(self, source: str, model_rows: Int32Array, history: csr_matrix) -> TopN:
        """Return the lists of users of one `source`, (B, n), or one list for all of them, (1, n)."""
        if source == POPULAR:
            return self._popular
        items = self._model.factors.items
        users = (
            self._model.factors.users[model_rows] if source == ALS else self._recipe.fold_in(items, history)
        )
        seen = history if self._rules.exclude_seen else None
        if len(users) == 1:  # gives the same list, and compiles no kernel
            return top_n(users, items, self._slots, seen=seen, allowed=self._rules.allowed)
        return top_n_of(self._index, users, self._slots, seen=seen, threads=self._threads)

    @cached_property
    def _index(self) -> ItemIndex:
        return item_index(self._model.factors.items, self._rules.allowed)

    @cached_property
    def _popular(self) -> TopN:
        # Users with this list have seen no item that the model knows, so no seen items have to be left out.
        return popularity_list(self._model.item_interactions, self._slots, self._rules.allowed)


def check_id_types(interactions: Interactions, model: TrainedModel) -> None:
    """Raise an ArtifactError if the ids of dataset and model have different types."""
    for side, in_dataset, in_model in (
        ("user", interactions.user_ids, model.user_ids),
        ("item", interactions.item_ids, model.item_ids),
    ):
        if in_dataset.dtype != in_model.dtype:
            raise ArtifactError(
                f"{side} ids are {in_dataset.dtype} in the dataset and {in_model.dtype} in the model",
                hint="run `als train` again",
            )
