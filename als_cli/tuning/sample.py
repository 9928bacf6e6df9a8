"""The folds of the first round of `als tune`: the same divisions with fewer users."""

import logging
from dataclasses import replace

import numpy as np

from als_cli.als.confidence import interactions_per_item
from als_cli.dataset.interactions import Interactions
from als_cli.splitting.division import EvaluationParts
from als_cli.stages.context import StageContext
from als_cli.storage.dataset_files import Dataset
from als_cli.tuning.folds import divisions, drawn_seed, judged

log = logging.getLogger(__name__)

Folds = tuple[EvaluationParts, ...]

_WORTH_IT = 5
"""Users over users of a sample, at least: a quarter of the data tells too little and costs too much."""


def folds_and_samples(context: StageContext, dataset: Dataset) -> tuple[Folds, Folds]:
    """Return the validation folds, and the same with a sample of their users, or none where that is not worth it.

    Raises
    ------
    ConfigError
        The split needs timestamps that the events lack.
    DataError
        Not even one division is possible.
    """
    folds: list[EvaluationParts] = []
    samples: list[EvaluationParts] = []
    screen = context.config.tune.screen
    wanted, size = screen.trials > 0, screen.users
    for parts in divisions(context, dataset):
        folds.append(judged(context, parts))
        users = parts.training.users.height
        wanted = wanted and _is_worth_it(users, size)
        if wanted:
            samples.append(judged(context, sample_of(parts, size, context.config.tune.seed)))
            wanted = samples[-1].holdout.part.users > 0
    if not wanted:
        return tuple(folds), ()
    judges = sum(one.holdout.part.users for one in samples)
    log.info("first round on %d users, %d judged in all folds together", size, judges)
    return tuple(folds), tuple(samples)


def sample_of(parts: EvaluationParts, users: int, seed: int) -> EvaluationParts:
    """Return `parts` with `users` drawn users of the training part, all its items, and those who are judged among them.

    Users that are held out from training are judged as before.
    """
    training = parts.training
    everyone = training.users.height
    drawn = np.sort(np.random.default_rng(drawn_seed(seed, users)).permutation(everyone)[:users])
    matrix = training.matrix[drawn]
    holdout = parts.holdout
    if not parts.users_are_held_out:
        holdout = holdout.take(np.flatnonzero(np.isin(holdout.user_rows, drawn)))
        rows = np.searchsorted(drawn, holdout.user_rows).astype(np.int32)
        holdout = replace(holdout, user_rows=rows)
    part = replace(holdout.part, interactions=interactions_per_item(matrix), training_users=len(drawn))
    sampled = Interactions(training.users[drawn], training.items, matrix, training.newest)
    return replace(parts, training=sampled, holdout=replace(holdout, part=part))


def _is_worth_it(users: int, size: int) -> bool:
    if users >= _WORTH_IT * size:
        return True
    log.info("no first round: %d users are fewer than %d times the %d of a sample", users, _WORTH_IT, size)
    return False
