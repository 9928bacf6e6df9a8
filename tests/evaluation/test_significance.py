"""Intervals and p-values against every resample there is, and against worlds whose truth is known."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from als_cli.evaluation import significance
from als_cli.evaluation.significance import LEVEL, RESAMPLES, compare, conclusion_of

FIVE = [0.5, -0.25, 0.125, 1.0, 0.0]
TEN = [0.9, 0.4, -0.2, 0.7, 0.0, 0.3, -0.1, 0.5, 0.6, -0.3]


def every_bootstrap_mean(values):
    """The mean of every way to draw as many users with replacement, sorted."""
    return sorted(sum(draw) / len(values) for draw in itertools.product(values, repeat=len(values)))


def share_of_flips_as_far(values):
    """The exact p-value: of all 2^T ways to set the signs, those whose sum is as far from zero."""
    exact = [Fraction(value).limit_denominator(1000) for value in values]
    reached = abs(sum(exact))
    flips = list(itertools.product((-1, 1), repeat=len(exact)))
    far = sum(abs(sum(s * v for s, v in zip(signs, exact, strict=True))) >= reached for signs in flips)
    return far / len(flips)


def test_interval_ends_where_the_distribution_of_all_resamples_does():
    every = np.array(every_bootstrap_mean(FIVE))
    found = compare(np.array([FIVE]).T, 3, resamples=20_000)
    # Four standard errors of a fraction of 20,000 draws on either side of the two quantiles.
    slack = 4 * np.sqrt(0.025 * 0.975 / 20_000)
    for end, fraction in ((found.low[0], (1 - LEVEL) / 2), (found.high[0], (1 + LEVEL) / 2)):
        assert np.quantile(every, fraction - slack) <= end + 1e-12
        assert end <= np.quantile(every, fraction + slack) + 1e-12
    assert found.mean[0] == pytest.approx(sum(FIVE) / 5)


@pytest.mark.parametrize("values", [FIVE, TEN, [-value for value in TEN]], ids=["five", "ten", "ten_negated"])
def test_p_value_is_the_share_of_all_sign_flips(values):
    exact = share_of_flips_as_far(values)
    found = compare(np.array([values]).T, 5, resamples=20_000).p_value[0]
    assert found == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 20_000) + 1 / 20_000)


def test_the_interval_holds_the_truth_as_often_as_it_says_and_the_test_errs_as_rarely():
    worlds, users, truth = 600, 150, 0.1
    generator = np.random.default_rng(1)
    # Like differences of ndcg: most users are zero for both methods, the rest lean to one side.
    scored = generator.random((users, worlds)) < 0.4
    leaning = np.where(scored, generator.exponential(truth / 0.4, (users, worlds)), 0.0)
    found = compare(leaning, 0)
    held = np.mean((found.low <= truth) & (truth <= found.high))
    assert 0.91 <= held <= 0.975
    no_difference = leaning * generator.choice([-1.0, 1.0], (users, worlds))
    null = compare(no_difference, 0)
    assert 0.02 <= np.mean(null.p_value <= 0.05) <= 0.08
    assert np.mean((null.low <= 0) & (null.high >= 0)) >= 0.91


def test_a_clear_difference_is_clear_and_none_is_none():
    generator = np.random.default_rng(2)
    clear = generator.normal(0.5, 1.0, 400)
    found = compare(np.column_stack([clear, -clear, np.zeros(400)]), 0)
    assert (found.low[0] > 0, found.high[1] < 0) == (True, True)
    assert found.p_value[:2] == pytest.approx([1 / (RESAMPLES + 1)] * 2)
    assert (found.low[2], found.high[2], found.p_value[2]) == (0.0, 0.0, 1.0)


def test_one_user_proves_nothing():
    assert compare(np.array([[0.7]]), 0).p_value[0] == 1.0


def test_equal_sums_in_another_order_count_as_equal():
    # Of the 8 ways to sign three times 0.1 two are as far from zero; rounding must not lose one of them.
    found = compare(np.full((3, 1), 0.1), 0, resamples=20_000).p_value[0]
    assert found == pytest.approx(2 / 8, abs=0.013)


def test_the_same_seed_gives_the_same_bits_whatever_the_threads():
    differences = np.random.default_rng(4).normal(size=(3000, 12))
    written = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            written.append([field.tobytes() for field in vars(compare(differences, 9)).values()])
    assert written[0] == written[1]
    assert compare(differences, 10).low.tobytes() != written[0][1]


def test_small_blocks_draw_the_same_resamples(monkeypatch):
    differences = np.random.default_rng(5).normal(size=(40, 3))
    heard = []
    whole = compare(differences, 1)
    monkeypatch.setattr(significance, "_CELLS_AT_A_TIME", 4000)
    blocked = compare(differences, 1, on_resamples=heard.append)
    assert heard == [200] * 20
    for field, other in zip(vars(whole).values(), vars(blocked).values(), strict=True):
        np.testing.assert_allclose(other, field, atol=1e-14)


@pytest.mark.parametrize(
    ("low", "high", "p_value", "said"),
    [
        (0.001, 0.2, 0.049, "better"),
        (0.001, 0.2, 0.054, "not clear"),  # interval and test disagree
        (-0.001, 0.2, 0.049, "not clear"),
        (0.0, 0.2, 0.001, "not clear"),
        (-0.2, -0.001, 0.049, "worse"),
        (-0.2, -0.001, 0.05, "not clear"),
        (-0.2, 0.0, 0.001, "not clear"),
        (0.0, 0.0, 1.0, "not clear"),
    ],
)
def test_a_difference_is_clear_where_interval_and_test_agree(low, high, p_value, said):
    assert conclusion_of(low, high, p_value) == said
