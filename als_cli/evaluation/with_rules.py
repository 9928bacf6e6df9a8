"""The model with the rules of lists: what is evaluated is what is published."""

import numpy as np

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

    def __init__(self, ranker: FactorRanker, rules: ListRules, sets: EvaluationSets) -> None:
        """Rank as `ranker`, which is fitted to the training set of `sets`, under `rules` for its items."""
        self._ranker, self._rules, self._users = ranker, rules, sets.holdout.user_ids
        self._items = RankedItems(ranker.index.factors(), rules.allowed)
        training = sets.training
        self._fallback = Fallback(
            training, ModelItems(training, training.item_ids), _as_model(training), rules, DemandRule()
        )
        self._selector = (
            IN_ORDER
            if rules.diversity is None or ranker.factors is None
            else Diverse(ranker.factors, rules.diversity.strength, rules.diversity.pool)
        )

    def rank(self, block: UsersToRank, n: int) -> TopN:
        """Return the lists of `n` items that the rules give, with the seen items and candidates of the evaluation."""
        ids, count = self._users[block.users], block.history.shape[0]
        rules, seen, candidates = self._rules, block.seen, block.candidates
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


def _as_model(training: Interactions) -> TrainedModel:
    """Return ids and popularity of the training set. It has no factors."""
    nothing = Factors(np.zeros((0, 0), np.float32), np.zeros((0, 0), np.float32))
    return TrainedModel(training.user_ids, training.item_ids, training.items["interactions"], nothing, None)
