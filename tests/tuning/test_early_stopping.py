"""Early stopping of `auto` on scripted values. Only some iterations are evaluated."""

import pytest

from als_cli.tuning.early_stopping import (
    EVALUATED_ITERATIONS,
    is_behind,
    is_over,
    iteration_to_keep,
    patience_for,
)


def run(values, patience):
    """Return the last evaluated iteration and the kept iteration, with one of `values` per evaluated iteration."""
    used = next((n for n in range(1, len(values) + 1) if is_over(values[:n], patience)), len(values))
    evaluated = list(zip(EVALUATED_ITERATIONS, values, strict=False))[:used]
    return evaluated[-1][0], iteration_to_keep(evaluated)


@pytest.mark.parametrize(
    ("patience", "values", "last", "kept"),
    [
        (1, [0.5, 0.6, 0.6004, 9.0], 4, 3),  # one evaluation without improvement is the last
        (2, [0.5, 0.6, 0.6004, 0.6005, 9.0], 6, 3),
        (2, [0.5, 0.6, 0.59, 0.7, 0.6, 0.7, 9.0], 10, 6),
        (2, [0.5, 0.6, 0.6004, 0.6008, 0.6012, 0.6012, 9.0], 10, 6),
        (2, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7], 12, 12),  # no evaluation after the last one
        (2, [0.0, 0.0, 0.0, 9.0], 4, 2),
        (1, [0.5], 2, 2),
    ],
)
def test_training_stops_after_evaluations_without_improvement(patience, values, last, kept):
    assert run(values, patience) == (last, kept)


def test_patience_is_one_evaluation_above_128_factors():
    assert [patience_for(factors) for factors in (64, 128, 129)] == [2, 2, 1]


@pytest.mark.parametrize(
    ("values", "behind"),
    [
        ([0.1, 0.2], False),  # too early
        ([0.1, 0.2, 0.3], True),
        ([0.1, 0.2, 0.34], False),  # 0.34 + 2 x 0.14
        ([0.1, 0.7, 0.59], True),  # a loss
        ([0.1, 0.2, 0.61], False),
    ],
)
def test_a_training_is_behind_if_twice_its_last_improvement_does_not_reach_the_best(values, behind):
    assert is_behind(values, 0.6) == behind
