"""The validation folds of `als tune`: the training set of `evaluate.split`, split again in the same way."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

import polars as pl
from scipy.sparse import csr_matrix

from als_cli.config.evaluate import FileSplit, GivenSplit, LastSplit, RandomSplit, TimeSplit, UsersSplit
from als_cli.config.events import EventsConfig
from als_cli.config.tune import ScreenConfig, TuneConfig
from als_cli.dataset.aggregation import aggregate
from als_cli.errors import ConfigError, DataError
from als_cli.splitting.division import EvaluationSets, divide
from als_cli.splitting.periods import Period, length_of_test, periods_back
from als_cli.splitting.protocol import MINIMUM_TEST_USERS, SplitProtocol
from als_cli.splitting.splits import SplitEvents, split_events
from als_cli.splitting.subsample import derived_seed, sample_users

_SAMPLED = 0.1
"""Fraction of the pairs in a validation set if the test set is a file, whose sampling is unknown."""
_SAMPLE_RATIO = 5
"""Minimum ratio of users to sampled users. Below it, screening saves too little time."""

log = logging.getLogger(__name__)

Folds = tuple[EvaluationSets, ...]


def folds_and_samples(
    clean: pl.LazyFrame, signal: EventsConfig, protocol: SplitProtocol, tune: TuneConfig
) -> tuple[Folds, Folds]:
    """Return the validation folds, and the same folds with a sample of their users for screening.

    There are no samples if screening is disabled or the data is too small for it.

    Raises
    ------
    ConfigError
        The split needs times, but the events have none.
    DataError
        No fold is possible.
    """
    folds: list[EvaluationSets] = []
    samples: list[EvaluationSets] = []
    screens = tune.screen.trials > 0
    for sets in divisions(clean, signal, protocol, tune):
        folds.append(with_fewer_test_users(sets, tune))
        screens = screens and _is_large_enough(sets, tune.screen)
        if screens:
            samples.append(with_fewer_test_users(sample_users(sets, tune.screen.users, tune.seed), tune))
            screens = samples[-1].holdout.test_set.users > 0
    if not screens:
        return tuple(folds), ()
    log.info("screening on %d users, %d evaluated in all folds", tune.screen.users, evaluated_users(samples))
    return tuple(folds), tuple(samples)


def divisions(
    clean: pl.LazyFrame, signal: EventsConfig, protocol: SplitProtocol, tune: TuneConfig
) -> Iterator[EvaluationSets]:
    """Yield `tune.folds` divisions of the training set of `protocol.split`, or fewer if it is too short.

    All users with test items are evaluated. The test set is removed first. Neither a test file nor a candidates file
    is read.

    Raises
    ------
    ConfigError
        The split needs times, but the events have none.
    DataError
        No division is possible.
    """
    for number, (events, split) in enumerate(_divisions(clean, signal, protocol.split, tune)):
        # Candidates were sampled for the test items, so they would reveal them.
        inner = replace(protocol, split=split, users="all", candidates=None)
        try:
            sets = divide(events, signal, inner)
        except DataError as impossible:
            if number == 0:
                raise DataError(
                    f"tune: the training set of evaluate.split cannot be split again: {impossible.message}",
                    hint="make the test set of evaluate.split smaller",
                ) from impossible
            log.warning("tune.folds: only %d of %d folds are possible (%s)", number, tune.folds, impossible)
            return
        yield sets


def with_fewer_test_users(sets: EvaluationSets, tune: TuneConfig) -> EvaluationSets:
    """Return `sets` with at most `tune.users` test users, sampled with `tune.seed`."""
    if tune.users == "all":
        return sets
    return replace(sets, holdout=sets.holdout.sample(tune.users, tune.seed))


def evaluated_users(folds: Sequence[EvaluationSets]) -> int:
    """Return the total number of test users in `folds`."""
    return sum(fold.holdout.test_set.users for fold in folds)


def warn_of_few_users(folds: Sequence[EvaluationSets]) -> None:
    """Log a warning if `folds` have too few test users to compare trials."""
    users = evaluated_users(folds)
    if users < MINIMUM_TEST_USERS:
        log.warning("tune: only %d users are evaluated, so results are noisy: use more folds", users)


def training_matrix(
    clean: pl.LazyFrame, signal: EventsConfig, split: GivenSplit, whole: csr_matrix
) -> csr_matrix:
    """Return the strengths (U, I) of the training set of `split`; `whole` is the matrix of all `clean` events."""
    if isinstance(split, FileSplit):
        return whole
    outer = split_events(clean, split, signal.duplicates)
    return aggregate(outer.training, signal, outer.cut_off or signal.as_of).matrix


def _divisions(
    clean: pl.LazyFrame, signal: EventsConfig, split: GivenSplit, tune: TuneConfig
) -> Iterator[tuple[pl.LazyFrame, GivenSplit]]:
    """Yield the events of each fold and their split."""
    if tune.fraction != "auto" and not isinstance(split, RandomSplit | FileSplit):
        raise ConfigError(
            f"tune.fraction is {tune.fraction}, but with evaluate.split by {split.by} folds are not sampled from the pairs",
            hint="leave out tune.fraction: folds are split in the same way as the test set",
        )
    if isinstance(split, FileSplit):
        # The training set is the whole dataset. How the test file was sampled is unknown.
        training, split = clean, RandomSplit(by="random", fraction=_SAMPLED)
    else:
        outer = split_events(clean, split, signal.duplicates)
        training = outer.training
        if isinstance(split, TimeSplit):
            yield from _periods(clean, split, outer, tune.folds)
            return
    if isinstance(split, RandomSplit) and tune.fraction != "auto":
        split = split.model_copy(update={"fraction": tune.fraction})
    for fold in range(tune.folds):
        if isinstance(split, LastSplit):
            yield training, split
            training = split_events(training, split, signal.duplicates).training
        else:
            yield training, _with_fold_seed(split, tune.seed, fold)


def _periods(
    clean: pl.LazyFrame, split: TimeSplit, outer: SplitEvents, folds: int
) -> Iterator[tuple[pl.LazyFrame, GivenSplit]]:
    """Yield periods of the length of the test period, the newest first. Each ends where the next newer one starts."""
    end = outer.cut_off
    if end is None:
        raise TypeError("a time split has a cut-off")
    length = length_of_test(clean, split, end)
    for period in islice(periods_back(Period(end - length, end), length), folds):
        yield period.seen_of(outer.training), period.split


def _with_fold_seed(split: RandomSplit | UsersSplit, seed: int, fold: int) -> RandomSplit | UsersSplit:
    return split.model_copy(update={"seed": derived_seed(split.seed, seed, fold)})


def _is_large_enough(sets: EvaluationSets, screen: ScreenConfig) -> bool:
    users = sets.training.users.height
    if users >= _SAMPLE_RATIO * screen.users:
        return True
    log.info(
        "no screening: %d users are fewer than %d times the %d users of a sample",
        users,
        _SAMPLE_RATIO,
        screen.users,
    )
    return False
