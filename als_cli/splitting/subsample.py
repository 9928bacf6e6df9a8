"""Subsamples of users: the same division with fewer users to train on."""

from dataclasses import replace

import numpy as np

from als_cli.als.confidence import interactions_per_item
from als_cli.dataset.interactions import Interactions
from als_cli.splitting.division import EvaluationSets


def derived_seed(*parts: int) -> int:
    """Return a seed that depends on all of `parts`."""
    return int(np.random.SeedSequence(parts).generate_state(1)[0])


def sample_users(parts: EvaluationSets, users: int, seed: int) -> EvaluationSets:
    """Return `parts` with a sample of `users` training users, all items, and the test users among the sample.

    Users that are held out from training stay.
    """
    training = parts.training
    everyone = training.users.height
    drawn = np.sort(np.random.default_rng(derived_seed(seed, users)).permutation(everyone)[:users])
    matrix = training.matrix[drawn]
    holdout = parts.holdout
    if not parts.users_are_held_out:
        holdout = holdout.take(np.flatnonzero(np.isin(holdout.user_rows, drawn)))
        rows = np.searchsorted(drawn, holdout.user_rows).astype(np.int32)
        holdout = replace(holdout, user_rows=rows)
    test_set = replace(
        holdout.test_set, interactions=interactions_per_item(matrix), training_users=len(drawn)
    )
    sampled = Interactions(training.users[drawn], training.items, matrix, training.newest)
    return replace(parts, training=sampled, holdout=replace(holdout, test_set=test_set))
