"""Random samples of users: the same sets with fewer training users."""

from dataclasses import replace

import numpy as np

from als_cli.als.confidence import interactions_per_item
from als_cli.dataset.interactions import Interactions
from als_cli.splitting.division import EvaluationSets


def derived_seed(*numbers: int) -> int:
    """Return a seed that depends on all of `numbers`."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


def sample_users(sets: EvaluationSets, users: int, seed: int) -> EvaluationSets:
    """Return `sets` with a random sample of `users` training users, all items, and the test users in the sample.

    Held-out users stay.
    """
    training = sets.training
    generator = np.random.default_rng(derived_seed(seed, users))
    sampled = np.sort(generator.permutation(training.users.height)[:users])
    matrix = training.matrix[sampled]
    holdout = sets.holdout
    if not sets.users_are_held_out:
        holdout = holdout.take(np.flatnonzero(np.isin(holdout.user_rows, sampled)))
        rows = np.searchsorted(sampled, holdout.user_rows).astype(np.int32)
        holdout = replace(holdout, user_rows=rows)
    test_set = replace(
        holdout.test_set, interactions=interactions_per_item(matrix), training_users=len(sampled)
    )
    times = None if training.times is None else training.times[sampled]
    fewer = Interactions(training.users[sampled], training.items, matrix, training.newest, times)
    return replace(sets, training=fewer, holdout=replace(holdout, test_set=test_set))
