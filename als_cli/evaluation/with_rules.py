"""The model with the rules of lists: what is evaluated is what is published."""

from datetime import datetime

import numpy as np
from scipy.sparse import csr_matrix

from als_cli.als.demand import DemandRule
from als_cli.als.engine import Factors
from als_cli.config.recommend import RecommendConfig
from als_cli.dataset.interactions import Interactions
from als_cli.evaluation.rankers import FactorRanker, UsersToRank
from als_cli.ranking.fallback import Fallback
from als_cli.ranking.item_demand import ModelItems
from als_cli.ranking.lists import NO_SOURCE, SOURCES
from als_cli.ranking.masks import Masks, both, either
from als_cli.ranking.rules.applied import BlockSource, apply_rules
from als_cli.ranking.rules.fill import RankedItems, SourceScores
from als_cli.ranking.rules.list_rules import ListRules
from als_cli.ranking.rules.reading import read_rules
from als_cli.ranking.rules.seen_again import SeenPairs, only_left_out, still_left_out
from als_cli.ranking.rules.selectors import IN_ORDER, Diverse, sample_keys
from als_cli.ranking.top_n import TopN
from als_cli.ranking.trained_model import TrainedModel
from als_cli.splitting.division import EvaluationSets
from als_cli.tables.scan import FindFiles

WITH_RULES = "als_with_rules"
"""Name of this method."""


def training_rules(config: RecommendConfig, sets: EvaluationSets, find: FindFiles) -> ListRules:
    """Return the rules of section `recommend` for the training items of `sets`. Items are available at the cut-off.

    Errors are those of :func:`als_cli.ranking.rules.reading.read_rules`.
    """
    return read_rules(config, _as_model(sets.training), sets.cut_off, find).rules


class RuledRanker:
    """Ranks by a fitted model under rules."""

    name = WITH_RULES

    def __init__(
        self, ranker: FactorRanker, rules: ListRules, sets: EvaluationSets, as_of: datetime | None = None
    ) -> None:
        """Rank as `ranker`, which is fitted to the training set of `sets`, under `rules` for its items.

        The lists are those of the cut-off of `sets`. Default: `as_of`, or else the time of the newest training event.

        Raises
        ------
        ArtifactError
            Seen items may come again after some time, but the dataset has events without timestamps, or not the types
            of the events.
        """
        self._ranker, self._rules, self._users = ranker, rules, sets.holdout.user_ids
        self._items = RankedItems(ranker.index.factors(), rules.allowed)
        training = sets.training
        self._left_out: csr_matrix | None = None
        if rules.exclude_seen and rules.seen_again_after is not None:
            now = sets.cut_off or as_of or training.newest
            self._left_out = still_left_out(_test_histories(sets), rules.seen_again_after, now)
        self._fallback = Fallback(
            training, ModelItems(training, training.item_ids), _as_model(training), rules, DemandRule()
        )
        self._selector = (
            IN_ORDER
            if rules.diversity is None or ranker.factors is None
            else Diverse(ranker.factors, rules.diversity.strength, rules.diversity.pool)
        )

    def rank(self, block: UsersToRank, n: int) -> TopN:
        """Return the lists of `n` items that the rules give, with the candidates of the evaluation.

        If seen items may come again, the rules decide which seen items are left out. Otherwise the evaluation does.
        """
        ids, count = self._users[block.users], block.history.shape[0]
        rules, seen, candidates = self._rules, block.seen, block.candidates
        if self._left_out is not None:
            seen = only_left_out(self._left_out[block.users])
        if rules.user_deny is not None:
            denied = rules.user_deny.of(ids)
            seen = denied if seen is None else either(seen, denied)
        if rules.user_allow is not None:
            allowed = rules.user_allow.of(ids)
            candidates = allowed if candidates is None else both(candidates, allowed)
        minimum = -np.inf if rules.minimum_score is None else rules.minimum_score
        codes = np.full(count, SOURCES.index("als"), np.int8)
        scored = SourceScores(self._ranker.users[block.users], self._items)
        sources = [BlockSource(scored, codes, minimum, self._selector)]
        for name in rules.fallback:
            popular, members = self._fallback.scored(name, ids)
            least = -np.inf if name == "popular" else float(np.finfo(np.float32).tiny)
            sources.append(
                BlockSource(popular, np.where(members, SOURCES.index(name), NO_SOURCE).astype(np.int8), least)
            )
        keys = None if rules.explore is None else sample_keys(ids, rules.explore.seed)
        return apply_rules(rules, sources, Masks(seen, candidates), n, self._ranker.threads, keys).slots.top


def _test_histories(sets: EvaluationSets) -> SeenPairs:
    test_set, events = sets.holdout.test_set, sets.events
    visible = events.training if events.visible is None else events.visible
    return SeenPairs(
        test_set.history,
        sets.holdout.user_ids,
        sets.training.item_ids,
        test_set.times,
        scan_events=lambda: visible,
    )


def _as_model(training: Interactions) -> TrainedModel:
    """Return ids and popularity of the training set. It has no factors."""
    nothing = Factors(np.zeros((0, 0), np.float32), np.zeros((0, 0), np.float32))
    return TrainedModel(training.user_ids, training.item_ids, training.items["interactions"], nothing, None)
