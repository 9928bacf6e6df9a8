"""The validation folds of `als tune`: the training set of `evaluate.split`, divided again in the same way."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

import polars as pl
from scipy.sparse import csr_matrix

from als_cli.config.evaluate import FileSplit, GivenSplit, LastSplit, RandomSplit, TimeSplit, UsersSplit
from als_cli.config.events import EventsConfig
from als_cli.config.tune import ScreenConfig, TuneConfig
from als_cli.dataset.aggregation import aggregate
from als_cli.errors import ConfigError, DataError
from als_cli.splitting.auto_split import given_split
from als_cli.splitting.division import EvaluationSets, divide
from als_cli.splitting.periods import Period, length_of_test, periods_back
from als_cli.splitting.protocol import SplitProtocol
from als_cli.splitting.splits import SplitEvents, split_events
from als_cli.splitting.subsample import derived_seed, sample_users

_SAMPLED = 0.1
"""Fraction of the pairs that a fold validates on where nothing says how the test file was sampled."""
_SAMPLE_RATIO = 5
"""Users over users of a sample, at least: screening on more of the data costs too much for what it tells."""

log = logging.getLogger(__name__)

Folds = tuple[EvaluationSets, ...]


def folds_and_samples(
    clean: pl.LazyFrame, signal: EventsConfig, protocol: SplitProtocol, tune: TuneConfig
) -> tuple[Folds, Folds]:
    """Return the validation folds, and the same folds with a sample of their users for screening.

    There are no samples where screening is switched off or the data is too small for it.

    Raises
    ------
    ConfigError
        The split needs timestamps that the events lack.
    DataError
        Not even one fold is possible.
    """
    folds: list[EvaluationSets] = []
    samples: list[EvaluationSets] = []
    wanted = tune.screen.trials > 0
    for parts in divisions(clean, signal, protocol, tune):
        folds.append(with_fewer_test_users(parts, tune))
        wanted = wanted and _is_large_enough(parts, tune.screen)
        if wanted:
            samples.append(with_fewer_test_users(sample_users(parts, tune.screen.users, tune.seed), tune))
            wanted = samples[-1].holdout.test_set.users > 0
    if not wanted:
        return tuple(folds), ()
    log.info(
        "first round on %d users, %d evaluated in all folds", tune.screen.users, evaluated_users(samples)
    )
    return tuple(folds), tuple(samples)


def divisions(
    clean: pl.LazyFrame, signal: EventsConfig, protocol: SplitProtocol, tune: TuneConfig
) -> Iterator[EvaluationSets]:
    """Yield `tune.folds` divisions of the training set of `protocol.split`; fewer where it is too short.

    Every user with test items is evaluated. The test set is cut off before anything else; neither a test file nor a
    candidates file is read.

    Raises
    ------
    ConfigError
        The split needs timestamps that the events lack.
    DataError
        Not even one division is possible.
    """
    for number, (events, split) in enumerate(
        _divisions(clean, signal, given_split(clean, signal, protocol)[0], tune)
    ):
        # Candidates are sampled around the test items: they would give them away.
        inner = replace(protocol, split=split, users="all", candidates=None)
        try:
            parts = divide(events, signal, inner)
        except DataError as impossible:
            if number == 0:
                raise DataError(
                    f"tune: the training set of evaluate.split cannot be divided again: {impossible.message}",
                    hint="make the test set of evaluate.split smaller",
                ) from impossible
            log.warning("tune.folds: only %d of %d are possible (%s)", number, tune.folds, impossible)
            return
        yield parts


def with_fewer_test_users(parts: EvaluationSets, tune: TuneConfig) -> EvaluationSets:
    """Return `parts` with at most `tune.users` test users, sampled by `tune.seed`."""
    if tune.users == "all":
        return parts
    return replace(parts, holdout=parts.holdout.sample(tune.users, tune.seed))


def evaluated_users(folds: Folds | list[EvaluationSets]) -> int:
    """Return the test users of all `folds` together."""
    return sum(fold.holdout.test_set.users for fold in folds)


def training_matrix(
    clean: pl.LazyFrame, signal: EventsConfig, split: GivenSplit, whole: csr_matrix
) -> csr_matrix:
    """Return the strengths (U, I) of the training set of `split`; `whole` is the matrix of all `clean` events."""
    if isinstance(split, FileSplit):
        return whole
    outer = split_events(clean, split, signal.duplicates)
    return aggregate(outer.training, signal, outer.cut_off or signal.now).matrix


def _divisions(
    clean: pl.LazyFrame, signal: EventsConfig, split: GivenSplit, tune: TuneConfig
) -> Iterator[tuple[pl.LazyFrame, GivenSplit]]:
    """Yield the events that each fold may see, and how to divide them."""
    if tune.fraction != "auto" and not isinstance(split, RandomSplit | FileSplit):
        raise ConfigError(
            f"tune.fraction is {tune.fraction}, but with evaluate.split by {split.by} no fold is drawn from the pairs",
            hint="leave tune.fraction out: folds are cut as the test part is",
        )
    if isinstance(split, FileSplit):
        # The whole dataset is the training part, and nothing is known of how the file was drawn.
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
            yield training, _redrawn(split, tune.seed, fold)


def _periods(
    clean: pl.LazyFrame, split: TimeSplit, outer: SplitEvents, folds: int
) -> Iterator[tuple[pl.LazyFrame, GivenSplit]]:
    """Yield periods as long as the test period, each ending where the one before it begins."""
    end = outer.cut_off
    if end is None:
        raise TypeError("a time split has a cut-off")
    length = length_of_test(clean, split, end)
    for period in islice(periods_back(Period(end - length, end), length), folds):
        yield period.seen_of(outer.training), period.split


def _redrawn(split: RandomSplit | UsersSplit, seed: int, fold: int) -> RandomSplit | UsersSplit:
    return split.model_copy(update={"seed": derived_seed(split.seed, seed, fold)})


def _is_large_enough(parts: EvaluationSets, screen: ScreenConfig) -> bool:
    users = parts.training.users.height
    if users >= _SAMPLE_RATIO * screen.users:
        return True
    log.info(
        "no first round: %d users are fewer than %d times the %d of a sample",
        users,
        _SAMPLE_RATIO,
        screen.users,
    )
    return False
