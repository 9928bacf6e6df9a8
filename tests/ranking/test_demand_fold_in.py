"""Lists by demand for users that the model lacks, and for datasets without times."""

import numpy as np
import pytest

from als_cli.als.confidence import ConfidenceRule
from als_cli.als.demand import DemandRule
from als_cli.als.engine import Factors
from als_cli.als.recipe import FoldIn
from als_cli.errors import ArtifactError
from als_cli.ranking.recommender import Recommender
from als_cli.ranking.rules.list_rules import ListRules
from tests.ranking.demand_lists import (
    DAY,
    dataset_of,
    lists_of,
    model_of,
    oracle_scores,
    random_factors,
    recipe_of,
)
from tests.stages.builders import interactions_of


class TestFoldIn:
    """Users of the dataset that the model lacks."""

    PAIRS = ((0, 0, 50 * DAY), (0, 3, 0), (1, 3, 50 * DAY), (1, 0, 0), (2, 5, 9 * DAY), (2, 30, 0))
    """User 2 also has item 30, which the model lacks. Users 0 and 1 have the same items in the opposite order."""

    def recipe(self, half_life, rule=None):
        return recipe_of(rule, fold_in=FoldIn(0.1, ConfidenceRule("linear", 1.0, 1.0, 1.0), half_life))

    @pytest.mark.parametrize("rule", [None, DemandRule(half_life=DAY, exponent=1.0, offset=0.5)])
    @pytest.mark.parametrize("half_life", [None, 3.0 * DAY])
    def test_factors_come_from_the_plain_items_and_the_times_of_the_history(self, half_life, rule):
        dataset, factors = dataset_of(self.PAIRS), random_factors(4)
        items = factors.items.astype(np.float64)
        found = lists_of(
            dataset, model_of(factors, users=[90, 91, 92, 93, 94, 95, 96]), self.recipe(half_life, rule),
            exclude_seen=False,
        )  # fmt: skip
        strengths = {(u, i): 1.0 + k for k, (u, i, _) in enumerate(self.PAIRS)}
        solved = []
        for user in range(3):
            own = [(item, age) for u, item, age in self.PAIRS if u == user and item < 9]
            newest = min(age for _, age in own)
            confidence = np.zeros(9)
            for item, age in own:
                confidence[item] = 1 + strengths[user, item]
                confidence[item] *= 1.0 if half_life is None else 2.0 ** -((age - newest) / half_life)
            system = (items.T * (confidence + 0.1)) @ items + 0.1 * np.eye(3)
            solved.append(np.linalg.solve(system, items.T @ confidence))
        users = Factors(np.array(solved), factors.items)
        expected = oracle_scores(rule or DemandRule(), self.PAIRS, range(3), users)
        for user, lists in found.items():
            best = max(score for score, _ in expected[user].values())
            scores = {item: score / best for item, (score, _) in expected[user].items()}
            for item, score in zip(*lists, strict=True):
                assert score / lists[1][0] == pytest.approx(scores[item], rel=1e-3, abs=1e-4)

    def test_one_user_and_a_block_give_the_same_list(self):
        recipe = self.recipe(3.0 * DAY, DemandRule(half_life=DAY, exponent=1.0, offset=0.5))
        model = model_of(random_factors(4), users=[90, 91, 92, 93, 94, 95, 96])
        together, alone = (lists_of(dataset_of(self.PAIRS), model, recipe, block=b) for b in (9, 1))
        assert set(together) == set(alone) == {0, 1, 2}
        for user, (items, scores) in together.items():
            assert alone[user][0] == items
            np.testing.assert_allclose(alone[user][1], scores, rtol=1e-6)


@pytest.mark.parametrize(
    ("recipe", "keys"),
    [
        (recipe_of(DemandRule(half_life=DAY, exponent=1.0)), "train.demand"),
        (recipe_of(DemandRule(long_run_half_life=DAY, long_run_exponent=1.0)), "train.demand"),
        (
            recipe_of(
                DemandRule(half_life=DAY, exponent=1.0),
                fold_in=FoldIn(0.1, ConfidenceRule("linear", 1.0, 1.0, 1.0), DAY),
            ),
            "train.demand and train.fold_in.half_life",
        ),
    ],
)
def test_a_dataset_without_times_is_an_error_before_any_list(recipe, keys):
    untimed = interactions_of([(0, 0), (1, 1)], timed=False)
    rules = ListRules(top_n=1, exclude_seen=True, allowed=None)
    with pytest.raises(ArtifactError) as raised:
        Recommender(untimed, model_of(random_factors(1)), recipe, rules)
    assert f"depends on recent events ({keys}), but the dataset has events without" in raised.value.message
    assert "events.columns.timestamp" in raised.value.hint
