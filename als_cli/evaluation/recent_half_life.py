"""The half-life of baseline `recent_popular`, selected on validation sets made from the training set."""

import logging
from datetime import timedelta

import numpy as np

from als_cli.config.events import EventsConfig
from als_cli.config.fields import format_duration
from als_cli.dataset.interactions import Interactions
from als_cli.evaluation.fit import mean_metric
from als_cli.evaluation.rankers import RecentPopular
from als_cli.splitting.division import EvaluationSets
from als_cli.splitting.validation import Horizon, ValidationRules, ValidationSets, validation_sets

_HOURS = (0.5, 2, 6, 12)
_DAYS = (1, 2, 4, 7, 14, 28, 56, 112, 365)
HALF_LIVES = (*(timedelta(hours=hours) for hours in _HOURS), *(timedelta(days=days) for days in _DAYS))
"""Half-lives that are compared, shortest first."""
METRIC = "ndcg@10"
_WITHOUT_TEST_PERIOD = timedelta(days=7)

log = logging.getLogger(__name__)


def select_half_life(sets: EvaluationSets, signal: EventsConfig, threads: int) -> timedelta:
    """Return the half-life of `recent_popular` with the best mean NDCG@10 on validation sets of the training set.

    Validation periods have the length of the test period if the split is by time. The mean is over the users of all
    periods. Half-lives longer than the time span of the training set are left out. Ties: the shortest half-life.

    If validation is impossible, or no list contains a test item, the half-life is the length of the test period. It is
    7 days if the split is not by time. All training events must have timestamps.
    """
    span = _span(sets.training)
    half_lives = [half_life for half_life in HALF_LIVES if half_life <= span]
    validation = _validation_sets(sets, signal) if half_lives else ()
    if not validation:
        return _without_validation(sets, "no validation set has enough users")
    values = [_mean_over_users(validation, half_life, threads) for half_life in half_lives]
    best = int(np.argmax(values))
    if values[best] == 0:
        return _without_validation(sets, "no list of the validation set contains a test item")
    log.info(
        "recent_popular: half-life %s, selected by %s %.4f on %d users",
        format_duration(half_lives[best]),
        METRIC,
        values[best],
        sum(one.holdout.test_set.users for one in validation),
    )
    return half_lives[best]


def _validation_sets(sets: EvaluationSets, signal: EventsConfig) -> ValidationSets:
    rules = ValidationRules(exclude_seen=sets.holdout.test_set.exclude_seen)
    found = validation_sets(sets.events.training, signal, Horizon(sets.events.test_length), rules)
    # Random pairs have no future, so they favour a longer half-life than a test period does.
    is_like_test = sets.cut_off is None or all(one.cut_off is not None for one in found)
    return found if is_like_test else ()


def _mean_over_users(validation: ValidationSets, half_life: timedelta, threads: int) -> float:
    users = [one.holdout.test_set.users for one in validation]
    values = [
        mean_metric(_ranker(one.training, half_life, threads), one.holdout.test_set, METRIC)
        for one in validation
    ]
    return float(np.average(values, weights=users))


def _ranker(training: Interactions, half_life: timedelta, threads: int) -> RecentPopular:
    times = training.times
    assert times is not None  # noqa: S101 - the events of a validation set are training events
    return RecentPopular(training.matrix, times, half_life, threads)


def _without_validation(sets: EvaluationSets, why: str) -> timedelta:
    half_life = sets.events.test_length or _WITHOUT_TEST_PERIOD
    log.info("recent_popular: half-life %s, because %s", format_duration(half_life), why)
    return half_life


def _span(training: Interactions) -> timedelta:
    oldest, newest = training.users["first_time"].min(), training.users["last_time"].max()
    return newest - oldest  # type: ignore[operator,return-value]
