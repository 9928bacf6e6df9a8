"""Early stopping of `auto` on scripted values. The first iteration is not evaluated."""

import pytest

from als_cli.tuning.early_stopping import is_over, iteration_to_keep, patience_for


def run(values, patience):
    """Return how many of `values` are used before training stops, and the iteration that is kept."""
    used = next((n for n in range(1, len(values) + 1) if is_over(values[:n], patience)), len(values))
    return used, iteration_to_keep(values[:used])


@pytest.mark.parametrize(
    ("patience", "after", "used", "kept"),
    [
        (1, [0.5, 0.6, 0.6004, 9.0], 4, 3),  # one iteration without improvement is the last
        (2, [0.5, 0.6, 0.6004, 0.6005, 9.0], 5, 3),
        (2, [0.5, 0.6, 0.59, 0.7, 0.6, 0.7, 9.0], 7, 5),
        (2, [0.5, 0.6, 0.6004, 0.6008, 0.6012, 0.6012, 9.0], 7, 5),
        (1, [0.5], 2, 2),
    ],
)
def test_training_stops_after_iterations_without_improvement(patience, after, used, kept):
    assert run([0.0, *after], patience) == (used, kept)


def test_patience_is_one_iteration_above_256_factors():
    assert [patience_for(factors) for factors in (64, 256, 257)] == [2, 2, 1]


def test_without_values_the_first_iteration_is_kept():
    assert iteration_to_keep([]) == 1
