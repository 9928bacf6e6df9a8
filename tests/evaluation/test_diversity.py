"""Intra-list diversity, compared with a double loop over the pairs of each list."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from als_cli.evaluation import diversity
from als_cli.evaluation.diversity import ListDiversity, mean_diversity


def naive_diversity(items, training):
    """Return 1 - mean cosine over all pairs, from the sets of users."""
    users_of = {item: {user for user, row in enumerate(training) if row[item]} for item in items}
    cosines = []
    for position, one in enumerate(items):
        for other in items[position + 1 :]:
            sizes = len(users_of[one]) * len(users_of[other])
            cosines.append(len(users_of[one] & users_of[other]) / math.sqrt(sizes) if sizes else 0.0)
    return 1 - sum(cosines) / len(cosines) if cosines else math.nan


@st.composite
def worlds(draw):
    generator = np.random.default_rng(draw(st.integers(0, 10_000)))
    users, items, k = draw(st.integers(1, 9)), draw(st.integers(2, 9)), draw(st.integers(1, 6))
    training = (generator.random((users, items)) < draw(st.sampled_from([0.2, 0.6, 1.0]))) * 7.5
    lists = np.full((5, k), -1, dtype=np.int32)
    for row in lists:
        filled = generator.integers(0, min(k, items) + 1)
        row[:filled] = generator.permutation(items)[:filled]
    return training, lists


@given(worlds())
def test_diversity_is_one_minus_the_mean_cosine_over_pairs(world):
    training, lists = world
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(diversity, "MAXIMUM_PAIRED", 0)
        sample = ListDiversity(csr_matrix(training), 5, 0)
        assert not (lists >= 0).any() or not sample.has_few_pairs(lists)
        found = sample.of(lists)
    expected = [naive_diversity([item for item in row if item >= 0], training) for row in lists.tolist()]
    np.testing.assert_allclose(found, expected, atol=1e-12)


@given(worlds())
def test_similar_lists_are_computed_from_pairs_with_the_same_result(world):
    training, lists = world
    many = np.tile(lists, (99, 1))
    sample = ListDiversity(csr_matrix(training), 5, 0)
    assert sample.has_few_pairs(many) == training[:, lists[lists >= 0]].any()
    expected = [naive_diversity([item for item in row if item >= 0], training) for row in lists.tolist()]
    np.testing.assert_allclose(sample.of(many), expected * 99, atol=1e-12)


def test_items_with_the_same_users_have_diversity_zero_and_with_no_common_user_one():
    training = csr_matrix(np.array([[5.0, 1, 0], [2, 9, 0], [0, 0, 4]]))
    lists = np.array([[0, 1, -1], [0, 2, -1]], dtype=np.int32)
    assert ListDiversity(training, 2, 0).of(lists).tolist() == pytest.approx([0.0, 1.0])


def test_lists_with_fewer_than_two_items_have_no_diversity_and_are_not_averaged():
    training = csr_matrix(np.eye(3))
    found = ListDiversity(training, 3, 0).of(np.array([[0, 1], [2, -1], [-1, -1]], dtype=np.int32))
    np.testing.assert_array_equal(found, [1.0, np.nan, np.nan])
    assert mean_diversity(found) == 1.0
    assert mean_diversity(found[1:]) == 0.0


def test_the_sample_follows_the_seed_and_does_not_depend_on_blocks(monkeypatch):
    monkeypatch.setattr(diversity, "SAMPLE", 10)
    training = csr_matrix(np.eye(2))

    def sample(seed, size):
        diversities = ListDiversity(training, 40, seed)
        starts = range(0, 40, size)
        return [
            start + position
            for start in starts
            for position in diversities.sampled(slice(start, min(start + size, 40))).tolist()
        ]

    assert sample(1, 40) == sample(1, 7) == sorted(set(sample(1, 40)))
    assert len(sample(1, 40)) == 10
    assert sample(1, 40) != sample(2, 40)
    assert ListDiversity(training, 6, 1).sampled(slice(0, 6)).tolist() == list(range(6))


@pytest.mark.parametrize(("cells", "size"), [(10**9, 1000), (600, 300), (2, 100)])
def test_the_sample_is_smaller_for_many_training_users(monkeypatch, cells, size):
    monkeypatch.setattr(diversity, "CELLS", cells)
    sample = ListDiversity(csr_matrix(np.eye(2)), 5000, 0)
    assert len(sample.sampled(slice(0, 5000))) == size
