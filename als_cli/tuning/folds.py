"""The validation parts of `als tune`: the training part of `evaluate.split`, divided again in the same way."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix

from als_cli.config.evaluate import FileSplit, GivenSplit, LastSplit, RandomSplit, TimeSplit, UsersSplit
from als_cli.errors import ConfigError, DataError
from als_cli.events.aggregate import aggregate
from als_cli.splitting.auto_split import given_split
from als_cli.splitting.division import EvaluationParts, divide
from als_cli.splitting.periods import Period, length_of_test, part_of, periods_back
from als_cli.splitting.splits import SplitEvents, split_events
from als_cli.stages.context import StageContext
from als_cli.storage.dataset_files import Dataset

_DRAWN = 0.1
"""Share of the pairs that a fold validates on where nothing says how the test file was drawn."""

log = logging.getLogger(__name__)


def validation_folds(context: StageContext, dataset: Dataset) -> tuple[EvaluationParts, ...]:
    """Return :func:`divisions`, each judged on at most `tune.users` users."""
    return tuple(judged(context, parts) for parts in divisions(context, dataset))


def divisions(context: StageContext, dataset: Dataset) -> Iterator[EvaluationParts]:
    """Yield the `tune.folds` divisions of the training part of `evaluate.split`; fewer where it is too short.

    All users that can be judged are. The test part is cut off before anything else; neither a test file nor a
    candidates file is read.

    Raises
    ------
    ConfigError
        The split needs timestamps that the events lack.
    DataError
        Not even one division is possible.
    """
    clean = dataset.scan_events()
    outer, _ = given_split(context, clean)
    for number, (events, split) in enumerate(_divisions(context, clean, outer)):
        try:
            parts = divide(_judging(context, split), part_of(dataset, events))
        except DataError as impossible:
            if number == 0:
                raise DataError(
                    f"tune: the training part of evaluate.split cannot be divided again: {impossible.message}",
                    hint="make the test part of evaluate.split smaller",
                ) from impossible
            folds = context.config.tune.folds
            log.warning("tune.folds: only %d of %d are possible (%s)", number, folds, impossible)
            return
        yield parts


def judged(context: StageContext, parts: EvaluationParts) -> EvaluationParts:
    """Return `parts` with at most `tune.users` users to judge, drawn by `tune.seed`."""
    tune = context.config.tune
    if tune.users == "all":
        return parts
    return replace(parts, holdout=parts.holdout.sample(tune.users, tune.seed))


def training_matrix(context: StageContext, dataset: Dataset) -> csr_matrix:
    """Return the strengths (U, I) of the training part of `evaluate.split`."""
    split, _ = given_split(context, dataset.scan_events())
    if isinstance(split, FileSplit):
        return dataset.interactions.matrix
    signal = context.config.events
    outer = split_events(dataset.scan_events(), split, signal.duplicates)
    return aggregate(outer.training, signal, outer.cut_off or signal.now).matrix


def drawn_seed(*parts: int) -> int:
    """Return a seed that depends on all of `parts`."""
    return int(np.random.SeedSequence(parts).generate_state(1)[0])


def _divisions(
    context: StageContext, clean: pl.LazyFrame, split: GivenSplit
) -> Iterator[tuple[pl.LazyFrame, GivenSplit]]:
    """Yield what each fold may see of `clean`, whose test set `split` cuts off, and how to divide it."""
    tune = context.config.tune
    if tune.share != "auto" and not isinstance(split, RandomSplit | FileSplit):
        raise ConfigError(
            f"tune.share is {tune.share}, but with evaluate.split by {split.by} no fold is drawn from the pairs",
            hint="leave tune.share out: folds are cut as the test part is",
        )
    if isinstance(split, FileSplit):
        # The whole dataset is the training part, and nothing is known of how the file was drawn.
        training, split = clean, RandomSplit(by="random", share=_DRAWN)
    else:
        outer = split_events(clean, split, context.config.events.duplicates)
        training = outer.training
        if isinstance(split, TimeSplit):
            yield from _periods(clean, split, outer, tune.folds)
            return
    if isinstance(split, RandomSplit) and tune.share != "auto":
        split = split.model_copy(update={"share": tune.share})
    for fold in range(tune.folds):
        if isinstance(split, LastSplit):
            yield training, split
            training = split_events(training, split, context.config.events.duplicates).training
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
    return split.model_copy(update={"seed": drawn_seed(split.seed, seed, fold)})


def _judging(context: StageContext, split: GivenSplit) -> StageContext:
    # Candidates are drawn around the test items: they would give them away.
    evaluate = context.config.evaluate.model_copy(update={"split": split, "users": "all", "candidates": None})
    return replace(context, config=context.config.model_copy(update={"evaluate": evaluate}))
