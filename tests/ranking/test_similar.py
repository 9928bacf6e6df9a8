"""Neighbours by cosine, compared with cosines computed pair by pair."""

import math

import numpy as np

from als_cli.ranking.similar import similar_items


def cosine(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True)) / (math.hypot(*a) * math.hypot(*b))


def test_agrees_with_the_cosine_of_every_pair():
    items = np.random.default_rng(2).normal(size=(40, 6)).astype(np.float32)
    found = similar_items(items, np.arange(40), 39)
    for row in range(40):
        expected = sorted((i for i in range(40) if i != row), key=lambda i: -cosine(items[row], items[i]))
        assert found.item_rows[row].tolist() == expected
        assert np.allclose(found.scores[row], [cosine(items[row], items[i]) for i in expected], atol=1e-6)


def test_norms_do_not_matter_and_ties_go_by_row():
    items = np.array([[1, 0], [0, 1], [100, 0], [0.001, 0], [1, 1]], np.float32)
    found = similar_items(items, np.array([2]), 3)
    assert found.item_rows.tolist() == [[0, 3, 4]]
    assert found.scores[0, :2].tolist() == [1.0, 1.0]


def test_items_without_factors_have_no_neighbours_and_are_no_neighbours():
    items = np.array([[0, 0], [1, 0], [1, 2]], np.float32)
    assert similar_items(items, np.array([0, 1]), 2).item_rows.tolist() == [[-1, -1], [2, -1]]
