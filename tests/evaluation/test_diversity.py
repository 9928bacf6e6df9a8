"""Intra-list diversity against a double loop over the pairs of each list."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from als_cli.evaluation import diversity
from als_cli.evaluation.diversity import ListDiversity, mean_diversity


def naive_diversity(items, training):
    """1 - mean cosine over all pairs, from the sets of users."""
    having = {item: {user for user, row in enumerate(training) if row[item]} for item in items}
    cosines = []
    for place, one in enumerate(items):
        for other in items[place + 1 :]:
            sizes = len(having[one]) * len(having[other])
            cosines.append(len(having[one] & having[other]) / math.sqrt(sizes) if sizes else 0.0)
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
        patch.setattr(diversity, "_MOST_PAIRED", 0)
        found = ListDiversity(csr_matrix(training), 5, 0).of(lists)
    expected = [naive_diversity([item for item in row if item >= 0], training) for row in lists.tolist()]
    np.testing.assert_allclose(found, expected, atol=1e-12)


@given(worlds())
def test_lists_that_are_alike_are_summed_from_pairs_to_the_same_figures(world):
    training, lists = world
    many = np.tile(lists, (99, 1))
    sample = ListDiversity(csr_matrix(training), 5, 0)
    with pytest.MonkeyPatch.context() as patch:
        if (many >= 0).any() and training.any(axis=0)[np.unique(lists[lists >= 0])].any():
            patch.setattr(sample, "_from_users", None)  # not the way taken
        found = sample.of(many)
    expected = [naive_diversity([item for item in row if item >= 0], training) for row in lists.tolist()]
    np.testing.assert_allclose(found, expected * 99, atol=1e-12)


def test_the_same_audience_is_nought_and_strangers_are_one():
    training = csr_matrix(np.array([[5.0, 1, 0], [2, 9, 0], [0, 0, 4]]))
    lists = np.array([[0, 1, -1], [0, 2, -1]], dtype=np.int32)
    assert ListDiversity(training, 2, 0).of(lists).tolist() == pytest.approx([0.0, 1.0])


def test_lists_below_two_items_have_none_and_do_not_count():
    training = csr_matrix(np.eye(3))
    found = ListDiversity(training, 3, 0).of(np.array([[0, 1], [2, -1], [-1, -1]], dtype=np.int32))
    np.testing.assert_array_equal(found, [1.0, np.nan, np.nan])
    assert mean_diversity(found) == 1.0
    assert mean_diversity(found[1:]) == 0.0


def test_the_sample_is_drawn_by_its_seed_and_found_again_in_blocks(monkeypatch):
    monkeypatch.setattr(diversity, "SAMPLE", 10)
    training = csr_matrix(np.eye(2))

    def sample(seed, size):
        drawing = ListDiversity(training, 40, seed)
        starts = range(0, 40, size)
        return [
            start + position
            for start in starts
            for position in drawing.drawn(slice(start, min(start + size, 40))).tolist()
        ]

    assert sample(1, 40) == sample(1, 7) == sorted(set(sample(1, 40)))
    assert len(sample(1, 40)) == 10
    assert sample(1, 40) != sample(2, 40)
    assert ListDiversity(training, 6, 1).drawn(slice(0, 6)).tolist() == list(range(6))


@pytest.mark.parametrize(("cells", "drawn"), [(10**9, 1000), (600, 300), (2, 100)])
def test_the_sample_is_smaller_where_training_has_many_users(monkeypatch, cells, drawn):
    monkeypatch.setattr(diversity, "_CELLS", cells)
    sample = ListDiversity(csr_matrix(np.eye(2)), 5000, 0)
    assert len(sample.drawn(slice(0, 5000))) == drawn
