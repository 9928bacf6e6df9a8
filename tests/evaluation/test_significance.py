"""Intervals and p-values, compared with all possible resamples and with simulated data of known difference."""

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
    """Return the sorted means of all possible bootstrap samples."""
    return sorted(sum(sample) / len(values) for sample in itertools.product(values, repeat=len(values)))


def fraction_of_flips_as_far(values):
    """Return the exact p-value: the fraction of all 2^T sign flips whose sum is at least as far from zero."""
    exact = [Fraction(value).limit_denominator(1000) for value in values]
    reached = abs(sum(exact))
    flips = list(itertools.product((-1, 1), repeat=len(exact)))
    far = sum(abs(sum(s * v for s, v in zip(signs, exact, strict=True))) >= reached for signs in flips)
    return far / len(flips)


def test_the_interval_equals_the_quantiles_of_all_resamples():
    every = np.array(every_bootstrap_mean(FIVE))
    found = compare(np.array([FIVE]).T, 3, resamples=20_000)
    # The tolerance is four standard errors of a fraction of 20,000 samples, on both sides of each quantile.
    tolerance = 4 * np.sqrt(0.025 * 0.975 / 20_000)
    for end, fraction in ((found.low[0], (1 - LEVEL) / 2), (found.high[0], (1 + LEVEL) / 2)):
        assert np.quantile(every, fraction - tolerance) <= end + 1e-12
        assert end <= np.quantile(every, fraction + tolerance) + 1e-12
    assert found.mean[0] == pytest.approx(sum(FIVE) / 5)


@pytest.mark.parametrize("values", [FIVE, TEN, [-value for value in TEN]], ids=["five", "ten", "ten_negated"])
def test_the_p_value_is_the_fraction_of_all_sign_flips(values):
    exact = fraction_of_flips_as_far(values)
    found = compare(np.array([values]).T, 5, resamples=20_000).p_value[0]
    assert found == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 20_000) + 1 / 20_000)


def test_interval_and_test_have_their_nominal_rates():
    repetitions, users, truth = 600, 150, 0.1
    generator = np.random.default_rng(1)
    # Like differences of NDCG: zero for most users, positive for the others.
    scored = generator.random((users, repetitions)) < 0.4
    differences = np.where(scored, generator.exponential(truth / 0.4, (users, repetitions)), 0.0)
    found = compare(differences, 0)
    coverage = np.mean((found.low <= truth) & (truth <= found.high))
    assert 0.91 <= coverage <= 0.975
    no_difference = differences * generator.choice([-1.0, 1.0], (users, repetitions))
    null = compare(no_difference, 0)
    assert 0.02 <= np.mean(null.p_value <= 0.05) <= 0.08
    assert np.mean((null.low <= 0) & (null.high >= 0)) >= 0.91


def test_a_large_difference_is_found_and_no_difference_is_not():
    generator = np.random.default_rng(2)
    clear = generator.normal(0.5, 1.0, 400)
    found = compare(np.column_stack([clear, -clear, np.zeros(400)]), 0)
    assert (found.low[0] > 0, found.high[1] < 0) == (True, True)
    assert found.p_value[:2] == pytest.approx([1 / (RESAMPLES + 1)] * 2)
    assert (found.low[2], found.high[2], found.p_value[2]) == (0.0, 0.0, 1.0)


def test_the_p_value_of_one_user_is_one():
    assert compare(np.array([[0.7]]), 0).p_value[0] == 1.0


def test_equal_sums_in_another_order_count_as_equal():
    # Two of the 8 sign flips of three values 0.1 are as far from zero. Rounding must not lose one of them.
    found = compare(np.full((3, 1), 0.1), 0, resamples=20_000).p_value[0]
    assert found == pytest.approx(2 / 8, abs=0.013)


def test_the_same_seed_gives_the_same_bits_for_any_number_of_threads():
    differences = np.random.default_rng(4).normal(size=(3000, 12))
    written = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            written.append([field.tobytes() for field in vars(compare(differences, 9)).values()])
    assert written[0] == written[1]
    assert compare(differences, 10).low.tobytes() != written[0][1]


def test_the_block_size_does_not_change_the_resamples(monkeypatch):
    differences = np.random.default_rng(5).normal(size=(40, 3))
    reported = []
    whole = compare(differences, 1)
    monkeypatch.setattr(significance, "CELLS_PER_BLOCK", 4000)
    blocked = compare(differences, 1, on_resamples=reported.append)
    assert reported == [200] * 20
    for field, other in zip(vars(whole).values(), vars(blocked).values(), strict=True):
        np.testing.assert_allclose(other, field, atol=1e-14)


@pytest.mark.parametrize(
    ("low", "high", "p_value", "conclusion"),
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
def test_the_conclusion_needs_interval_and_test(low, high, p_value, conclusion):
    assert conclusion_of(low, high, p_value) == conclusion
