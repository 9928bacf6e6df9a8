"""Baselines, compared with plain loops over dense arrays."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from als_cli.evaluation.item_knn import ItemBm25, ItemKnn, neighbours_of
from als_cli.evaluation.rankers import FactorRanker, Popular, UsersToRank
from als_cli.ranking.native_top_n import item_index


def block_of(history, *, candidates=None, exclude_seen=True):
    sparse = csr_matrix(np.asarray(history, dtype=np.float32))
    mask = None if candidates is None else csr_matrix(np.asarray(candidates, dtype=np.float32))
    return UsersToRank(slice(0, sparse.shape[0]), sparse, mask, exclude_seen)


def naive_lists(scores, history, n, *, candidates, exclude_seen):
    """Return lists from a full sort: higher score first, then the lower row; -1 in empty slots."""
    lists = []
    for user, row in enumerate(scores):
        items = [
            item
            for item in range(len(row))
            if np.isfinite(row[item])
            and not (exclude_seen and history[user][item])
            and (candidates is None or candidates[user][item])
        ]
        best = sorted(items, key=lambda item: (-row[item], item))[:n]
        lists.append(best + [-1] * (n - len(best)))
    return lists


@st.composite
def worlds(draw):
    users, items = draw(st.integers(1, 6)), draw(st.integers(1, 8))
    seed = draw(st.integers(0, 10_000))
    generator = np.random.default_rng(seed)
    training = (generator.random((users, items)) < 0.4).astype(np.float32)
    history = (generator.random((4, items)) < draw(st.sampled_from([0.0, 0.3, 1.0]))).astype(np.float32)
    candidates = (generator.random((4, items)) < 0.5).astype(np.float32) if draw(st.booleans()) else None
    return training, history, candidates, draw(st.booleans()), draw(st.integers(1, 10))


@given(worlds())
def test_popular_lists_are_the_sorted_counts(world):
    training, history, candidates, exclude_seen, n = world
    block = block_of(history, candidates=candidates, exclude_seen=exclude_seen)
    scores = np.tile(training.sum(axis=0), (len(history), 1))
    expected = naive_lists(scores, history, n, candidates=candidates, exclude_seen=exclude_seen)
    assert Popular(csr_matrix(training), 2).rank(block, n).item_rows.tolist() == expected


def naive_cosine(training):
    sizes = training.sum(axis=0)
    items = range(len(sizes))
    return [
        [
            float(training[:, one] @ training[:, other]) / math.sqrt(sizes[one] * sizes[other])
            if sizes[one] * sizes[other]
            else 0.0
            for other in items
        ]
        for one in items
    ]


def naive_bm25(training, saturation=1.2, length_weight=0.75):
    """Return products of items as documents, with users as terms that occur in a document once or not at all."""
    users, items = training.shape
    mean_length = training.sum() / items
    weights = [[0.0] * users for _ in range(items)]
    for item in range(items):
        for user in range(users):
            if training[user, item]:
                rarity = math.log(items / (1 + sum(training[user])))
                length = 1 - length_weight + length_weight * sum(training[:, item]) / mean_length
                weights[item][user] = rarity * (saturation + 1) / (saturation * length + 1)
    return [[sum(a * b for a, b in zip(one, other, strict=True)) for other in weights] for one in weights]


@pytest.mark.parametrize(("baseline", "naive"), [(ItemKnn, naive_cosine), (ItemBm25, naive_bm25)])
@settings(max_examples=40)
@given(world=worlds())
def test_item_neighbour_lists_are_the_sorted_sums_of_similarities(baseline, naive, world):
    training, history, candidates, exclude_seen, n = world
    similarity = naive(training.astype(float))
    items = training.shape[1]
    scores = np.full((len(history), items), -np.inf)
    for user in range(len(history)):
        for item in range(items):
            similar = sum(
                similarity[item][other] for other in range(items) if history[user][other] and other != item
            )
            if similar > 0:
                scores[user, item] = round(similar, 5)
    block = block_of(history, candidates=candidates, exclude_seen=exclude_seen)
    lists = baseline(csr_matrix(training), threads=1).rank(block, n)
    listed = [[item for item in row if item >= 0] for row in lists.item_rows.tolist()]
    expected = naive_lists(scores, history, n, candidates=candidates, exclude_seen=exclude_seen)
    # Rounding of float32 may change the order of ties, so scores are compared and not items.
    for user, row in enumerate(expected):
        wanted = [scores[user, item] for item in row if item >= 0]
        np.testing.assert_allclose([scores[user, item] for item in listed[user]], wanted, atol=2e-5)


def test_item_knn_keeps_the_nearest_items_without_the_item_itself():
    training = np.array([[1, 1, 0], [1, 1, 0], [1, 0, 1], [0, 0, 1]], dtype=np.float32)
    similarity = neighbours_of(csr_matrix(training), "cosine", 1, 1).toarray()
    assert similarity.diagonal().tolist() == [0, 0, 0]
    assert similarity[0].tolist() == pytest.approx([0, 2 / np.sqrt(6), 0])


@pytest.mark.parametrize(("similarity", "naive"), [("cosine", naive_cosine), ("bm25", naive_bm25)])
def test_each_item_keeps_its_nearest_neighbours(similarity, naive):
    training = (np.random.default_rng(0).random((30, 12)) < 0.3).astype(np.float32)
    exact = np.array(naive(training.astype(float)))
    np.fill_diagonal(exact, 0)
    found = neighbours_of(csr_matrix(training), similarity, 4, 2).toarray()
    for item in range(12):
        np.testing.assert_allclose(np.sort(found[item])[-4:], np.sort(exact[item])[-4:], rtol=1e-5)
        np.testing.assert_allclose(found[item], np.where(found[item] > 0, exact[item], 0), rtol=1e-5)
        assert np.count_nonzero(found[item]) == 4


def test_an_item_that_is_not_its_own_nearest_neighbour_has_no_extra_neighbour():
    """By BM25, two small items are nearer to a large item than the large item itself."""
    training = np.zeros((30, 12), dtype=np.float32)
    training[0, [0, 1, 2]] = 1
    training[1:, 3:] = training[1:20, 0] = 1
    exact = np.array(naive_bm25(training.astype(float)))
    assert exact[0].argsort()[-2:].tolist() == [1, 2]
    found = neighbours_of(csr_matrix(training), "bm25", 1, 1).toarray()
    assert np.count_nonzero(found[0]) == 1
    assert found[0].max() == pytest.approx(exact[0, 1], rel=1e-5)


def test_item_knn_ignores_strengths():
    training = np.array([[1, 1, 0], [1, 0, 1], [0, 1, 1]], dtype=np.float32)
    strengths = training * np.array([[5], [1], [9]], dtype=np.float32)
    block, weighted = block_of([[1, 0, 0]]), block_of([[7, 0, 0]])
    plain = ItemKnn(csr_matrix(training), 1).rank(block, 3)
    scaled = ItemKnn(csr_matrix(strengths), 1).rank(weighted, 3)
    np.testing.assert_array_equal(plain.item_rows, scaled.item_rows)
    np.testing.assert_array_equal(plain.scores, scaled.scores)


def test_without_history_item_knn_lists_no_item_and_popular_all():
    training = csr_matrix(np.array([[1, 1], [0, 1]], dtype=np.float32))
    block = block_of([[0, 0]])
    assert ItemKnn(training, 1).rank(block, 3).item_rows.tolist() == [[-1, -1, -1]]
    assert Popular(training, 2).rank(block, 3).item_rows.tolist() == [[1, 0, -1]]


def test_factor_ranker_takes_the_factors_of_the_block():
    users = np.array([[1, 0], [0, 1]], dtype=np.float32)
    items = np.array([[3, 1], [2, 2], [1, 3]], dtype=np.float32)
    sparse = csr_matrix(np.array([[0, 0, 1]], dtype=np.float32))
    second = UsersToRank(slice(1, 2), sparse, None, exclude_seen=True)
    assert FactorRanker("als", users, item_index(items), 2).rank(second, 2).item_rows.tolist() == [[1, 0]]
