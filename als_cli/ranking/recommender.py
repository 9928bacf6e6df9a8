"""Top-N lists for blocks of users: rules, the model, and the fallback."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix

from als_cli.als.demand import weighted_items, with_offset
from als_cli.als.recipe import Recipe
from als_cli.arrays import BoolArray, Float32Array, Int32Array
from als_cli.dataset.interactions import Interactions, rows_of
from als_cli.ranking.audience import Audience
from als_cli.ranking.fallback import Fallback
from als_cli.ranking.item_demand import ModelItems, check_times, weights_in
from als_cli.ranking.lists import NO_SOURCE, SOURCES, UserLists
from als_cli.ranking.masks import Masks
from als_cli.ranking.memory import block_size, check_memory, ranking_bytes
from als_cli.ranking.reasons import Explainer, Reasons
from als_cli.ranking.refresh import changed_users
from als_cli.ranking.rules.applied import BlockSource, apply_rules
from als_cli.ranking.rules.fill import RankedItems, SourceScores
from als_cli.ranking.rules.list_rules import ListRules
from als_cli.ranking.rules.selectors import IN_ORDER, Compared, Diverse, Selector, sample_keys
from als_cli.ranking.rules.slots import FilledSlots
from als_cli.ranking.rules.touched import touched
from als_cli.ranking.rules.user_masks import UserMasks
from als_cli.ranking.top_n import TopN
from als_cli.ranking.trained_model import TrainedModel, check_id_types

_ALS, _FOLD_IN = SOURCES.index("als"), SOURCES.index("fold_in")


@dataclass(frozen=True)
class UserBlock:
    """B users and their rows in dataset and model; -1 for users that are not in them."""

    user_ids: pl.Series
    dataset_rows: Int32Array
    model_rows: Int32Array


class Recommender:
    """Makes lists from a model and the histories of a dataset, which may be newer than the model.

    | user | source of the list |
    |---|---|
    | in the dataset and in the model | `als`: the trained factors; or `fold_in`, by the rule `refresh` |
    | in the dataset only, with items that the model knows | `fold_in`: factors folded in from the history |
    | without history, or without any item that the model knows | the fallback |

    Users that are only in the model have no history. The first two sources rank by the demand rule of the recipe. The
    demand is that of the dataset, so the lists of an old model follow the newest events.
    """

    def __init__(
        self,
        interactions: Interactions,
        model: TrainedModel,
        recipe: Recipe,
        rules: ListRules,
        as_of: datetime | None = None,
        scan_events: Callable[[], pl.LazyFrame] | None = None,
    ) -> None:
        """Make lists by `rules` from the `interactions` of a dataset, a `model` and the `recipe` of its training.

        `as_of` is the instant of the lists. Default: the time of the newest event. `scan_events` gives the clean events
        of `interactions`. Only a rule that names event types needs them.

        Raises
        ------
        ArtifactError
            The ids of dataset and model have different types. Or the recipe or a rule needs times, but the dataset has
            none.
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
        self._fallback = Fallback(interactions, self._items, model, rules, recipe.demand)
        self._masks = UserMasks(interactions, self._items, rules, as_of, scan_events)

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
        rule, block = self._recipe.demand, self._block_size(min(users, block_users))
        weighted = 0 if rule.is_neutral else items
        check_memory(ranking_bytes(self.candidates, factors, block, self._slots, weighted))

    def _block_size(self, block_users: int) -> int:
        return block_size(block_users, self._slots, self._rules.limits.bytes_per_user())

    def blocks(self, audience: Audience, block_users: int, users_per_part: int) -> Iterator[UserBlock]:
        """Yield the audience in blocks of at most `block_users`. No block crosses a multiple of `users_per_part`.

        Blocks are smaller if lists are long, so that the number of slots per block is bounded.
        """
        block_users = self._block_size(block_users)
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
        history = self._items.histories(self._interactions.matrix, block.dataset_rows)
        personal, diversity = self._personal(block, history), None
        if self._rules.diversity is not None:
            diversity = Compared(personal.selector, len(block.user_ids))
            personal = replace(personal, selector=diversity)
        own = self._masks.of(block.user_ids, block.dataset_rows, history)
        keys = None if self._rules.explore is None else sample_keys(block.user_ids, self._rules.explore.seed)
        sources = [personal, *self._popular(block)]
        lists = apply_rules(self._rules, sources, own.masks, self._slots, self._threads, keys)
        return UserLists(
            block.user_ids,
            self._model.item_ids,
            lists.slots.top,
            lists.slots.sources,
            lists.reasons,
            touched=touched(self._rules, lists, own, diversity),
            because=self._because(block, history, lists.slots),
            wanted=self._rules.top_n,
        )

    def masks_for(self, block: UserBlock) -> Masks:
        """Return the items that the rules hide from the users in `block`, and their only items: (B, I)."""
        history = self._items.histories(self._interactions.matrix, block.dataset_rows)
        return self._masks.of(block.user_ids, block.dataset_rows, history).masks

    def item_vectors(self, *, with_demand: bool) -> Float32Array:
        """Return the vector of each item of the model: (I, d) float32.

        Its dot product with :meth:`user_vectors` is the score of the lists; without demand, that of the factors.
        """
        return self._ranked.factors if with_demand else self._model.factors.items

    def user_vectors(self, block: UserBlock, *, with_demand: bool) -> tuple[pl.DataFrame, Float32Array]:
        """Return user_id and source of the users in `block` with a vector, and the vectors: (N, d) float32.

        Users who have no item that the model knows are left out.
        """
        history = self._items.histories(self._interactions.matrix, block.dataset_rows)
        personal = self._personal(block, history)
        have = np.flatnonzero(personal.codes != NO_SOURCE)
        sources = pl.Series("source", SOURCES, dtype=pl.String).gather(personal.codes[have].astype(np.uint32))
        dimensions = self.item_vectors(with_demand=with_demand).shape[1]
        vectors = np.ascontiguousarray(personal.scored.users[have, :dimensions])
        return pl.DataFrame([block.user_ids.gather(have).alias("user_id"), sources]), vectors

    def explained(self, block: UserBlock, item_rows: Int32Array) -> tuple[TopN, Reasons]:
        """Return the scores of `item_rows` (B, n) for the users in `block`, and their reasons.

        Scores include the demand. Users without any item that the model knows have score 0 and no reasons.
        """
        history = self._items.histories(self._interactions.matrix, block.dataset_rows)
        personal = self._personal(block, history).scored.users.astype(np.float64)
        vectors = self.item_vectors(with_demand=True)[item_rows].astype(np.float64)
        scores = np.einsum("bf,bnf->bn", personal, vectors).astype(np.float32)
        times = None if self._times is None else self._items.histories(self._times, block.dataset_rows)
        top = TopN(item_rows, scores)
        return top, self._explainer.reasons(history, times, top, np.ones(item_rows.shape, bool))

    def _personal(self, block: UserBlock, history: csr_matrix) -> BlockSource:
        """Return trained and folded-in factors, with a column for the offset if the demand has one."""
        has_history = block.dataset_rows >= 0
        users = self._model.factors.users[np.maximum(block.model_rows, 0)]
        has_known_items = np.diff(history.indptr) > 0
        is_stale = has_known_items & self._is_stale(block)
        trained = has_history & (block.model_rows >= 0) & users.any(axis=1) & ~is_stale
        foldable = has_history & ~trained & has_known_items
        if foldable.any():
            users[foldable] = self._folded_in(block.dataset_rows[foldable], history[foldable])
        users = with_offset(users, self._weights, self._recipe.demand.offset)
        codes = np.full(len(users), NO_SOURCE, np.int8)
        codes[trained], codes[foldable] = _ALS, _FOLD_IN
        minimum = -np.inf if self._rules.minimum_score is None else self._rules.minimum_score
        return BlockSource(SourceScores(users, self._ranked), codes, minimum, self._selector)

    def _is_stale(self, block: UserBlock) -> BoolArray:
        """Return which users of the block need new factors, (B,)."""
        if self._rules.refresh == "all":
            return np.ones(len(block.dataset_rows), bool)
        if self._rules.refresh == "none":
            return np.zeros(len(block.dataset_rows), bool)
        return np.append(self._changed, False)[block.dataset_rows]

    def _because(self, block: UserBlock, history: csr_matrix, slots: FilledSlots) -> Reasons | None:
        if not self._rules.because:
            return None
        times = None if self._times is None else self._items.histories(self._times, block.dataset_rows)
        return self._explainer.reasons(history, times, slots.top, slots.by_model)

    def _folded_in(self, dataset_rows: Int32Array, history: csr_matrix) -> Float32Array:
        times = None if self._times is None else self._items.histories(self._times, dataset_rows)
        return self._recipe.fold_in(self._model.factors.items, history, times)

    def _popular(self, block: UserBlock) -> Iterator[BlockSource]:
        for name in self._rules.fallback:
            scored, members = self._fallback.scored(name, block.user_ids)
            codes = np.where(members, SOURCES.index(name), NO_SOURCE).astype(np.int8)
            # Items without users are the last resort, so only the popularity list of all users has them.
            yield BlockSource(
                scored, codes, -np.inf if name == "popular" else float(np.finfo(np.float32).tiny)
            )

    @cached_property
    def _weights(self) -> Float32Array | None:
        return weights_in(self._recipe.demand, self._interactions, self._items)

    @cached_property
    def _selector(self) -> Selector:
        diversity = self._rules.diversity
        if diversity is None:
            return IN_ORDER
        return Diverse(self._model.factors.items, diversity.strength, diversity.pool)

    @cached_property
    def _changed(self) -> BoolArray:
        return changed_users(self._interactions, self._model)

    @cached_property
    def _explainer(self) -> Explainer:
        return Explainer(self._recipe, self._model.factors.items, self._weights, self._rules.because)

    @cached_property
    def _ranked(self) -> RankedItems:
        factors = weighted_items(self._model.factors.items, self._weights, self._recipe.demand.offset)
        return RankedItems(factors, self._rules.allowed)
