"""Computation of metrics: block sizes, means, short lists."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from als_cli.evaluation import diversity, protocol
from als_cli.evaluation.diversity import ListDiversity
from als_cli.evaluation.rankers import FactorRanker, Popular
from als_cli.ranking.native_top_n import item_index


@pytest.fixture
def test_set():
    generator = np.random.default_rng(3)
    training = (generator.random((40, 15)) < 0.3).astype(np.float32)
    training[:, 0] = 1  # every user has history
    test = (generator.random((40, 15)) < 0.2) * (1 - training)
    test[:, 1], training[:, 1] = 1, 0  # every user has a test item
    return protocol.TestSet(
        history=csr_matrix(training),
        relevant=csr_matrix(test.astype(np.float32)),
        relevant_counts=test.sum(axis=1).astype(np.int64),
        interactions=training.sum(axis=0).astype(np.int64),
        training_users=50,
        candidates=None,
        exclude_seen=True,
    )


def factor_ranker(test_set, seed=0):
    generator = np.random.default_rng(seed)
    users = generator.normal(size=(test_set.history.shape[0], 4)).astype(np.float32)
    items = generator.normal(size=(test_set.history.shape[1], 4)).astype(np.float32)
    return FactorRanker("als", users, item_index(items), 2)


def test_block_size_changes_no_metric(test_set, monkeypatch):
    monkeypatch.setattr(diversity, "SAMPLE", 13)
    sample = ListDiversity(test_set.history, test_set.users, 0)
    whole = protocol.measure(factor_ranker(test_set), test_set, (2, 5), diversity=sample)
    monkeypatch.setattr(protocol, "MAXIMUM_BLOCK", 7)
    ranked = []
    blocks = protocol.measure(factor_ranker(test_set), test_set, (2, 5), ranked.append, sample)
    assert ranked == [7, 7, 7, 7, 7, 5]
    assert blocks.averages == whole.averages
    for k in (2, 5):
        for name, values in whole.per_user[k].items():
            np.testing.assert_array_equal(blocks.per_user[k][name], values)
        np.testing.assert_array_equal(blocks.exposure[k], whole.exposure[k])
        np.testing.assert_array_equal(blocks.hits[k], whole.hits[k])


def test_diversity_is_the_mean_over_the_lists_of_the_sample(test_set, monkeypatch):
    monkeypatch.setattr(diversity, "SAMPLE", 13)
    monkeypatch.setattr(protocol, "MAXIMUM_BLOCK", 7)
    sample, ranker = ListDiversity(test_set.history, test_set.users, 0), factor_ranker(test_set)
    lists = np.vstack([ranker.rank(block, 4).item_rows for block in protocol.user_blocks(test_set)])
    averages = protocol.measure(ranker, test_set, (2, 4), diversity=sample).averages
    expected = sample.of(lists[sample.sampled(slice(0, 40))])
    assert len(expected) == 13
    assert averages["diversity@4"] == pytest.approx(expected.mean())
    assert "diversity@4" not in protocol.measure(ranker, test_set, (2, 4)).averages


def test_exposure_and_hits_count_lists_by_item(test_set):
    ranker = factor_ranker(test_set)
    lists = np.vstack([ranker.rank(block, 4).item_rows for block in protocol.user_blocks(test_set)])
    measured = protocol.measure(ranker, test_set, (4,))
    test = test_set.relevant.toarray()
    for item in range(15):
        listing = [user for user in range(40) if item in lists[user]]
        assert measured.exposure[4][item] == len(listing)
        assert measured.hits[4][item] == sum(1 for user in listing if test[user, item])


def test_averages_are_means_over_all_test_users(test_set):
    measured = protocol.measure(factor_ranker(test_set), test_set, (3,))
    for name, values in measured.per_user[3].items():
        assert values.shape == (40,)
        assert measured.averages[f"{name}@3"] == pytest.approx(values.mean())


def test_shorter_lists_are_prefixes_of_longer_ones(test_set):
    alone = protocol.measure(factor_ranker(test_set), test_set, (2,))
    beside = protocol.measure(factor_ranker(test_set), test_set, (2, 9))
    assert {name: beside.averages[name] for name in alone.averages} == alone.averages


def test_scores_from_the_test_pairs_are_perfect(test_set):
    """User factors = test rows, item factors = unit vectors: the score of a pair is whether it is a test pair."""
    oracle = FactorRanker("oracle", test_set.relevant.toarray(), item_index(np.eye(15, dtype=np.float32)), 2)
    measured = protocol.measure(oracle, test_set, (15,))
    for name in ("ndcg", "recall", "map", "mrr", "hit_rate"):
        assert measured.averages[f"{name}@15"] == pytest.approx(1.0), name


def test_short_lists_are_counted(test_set):
    measured = protocol.measure(Popular(test_set.history, 2), test_set, (15,))
    assert measured.short_lists == 40  # every user has seen at least one of the 15 items
    assert protocol.measure(Popular(test_set.history, 2), test_set, (1,)).short_lists == 0


def test_list_metrics_equal_those_computed_from_the_lists(test_set):
    """Novelty, popularity lift and filled lists."""
    ranker, k = factor_ranker(test_set), 12
    lists = np.vstack([ranker.rank(block, k).item_rows for block in protocol.user_blocks(test_set)])
    bits, listed, histories, filled = [], [], [], 0
    for row, history in zip(lists.tolist(), test_set.history.toarray(), strict=True):
        items = [item for item in row if item >= 0]
        bits += [-np.log2(max(test_set.interactions[item], 1) / 50) for item in items]
        listed.append(np.mean([test_set.interactions[item] for item in items]))
        histories.append(np.mean([test_set.interactions[item] for item in np.flatnonzero(history)]))
        filled += len(items) == k
    assert 0 < filled < 40
    averages = protocol.measure(ranker, test_set, (3, k)).averages
    assert averages[f"novelty@{k}"] == pytest.approx(np.mean(bits))
    assert averages[f"popularity_lift@{k}"] == pytest.approx(np.mean(listed) / np.mean(histories))
    assert averages[f"filled@{k}"] == filled / 40


def test_coverage_gini_and_popularity_use_candidates_only(test_set):
    candidates = np.zeros((40, 15), dtype=np.float32)
    candidates[:, 1:4] = 1
    restricted = replace(test_set, candidates=csr_matrix(candidates), exclude_seen=False)
    measured = protocol.measure(factor_ranker(test_set), restricted, (3,))
    assert measured.averages["coverage@3"] == 1.0
    assert measured.averages["gini@3"] == pytest.approx(0.0)
    assert measured.averages["popularity@3"] == pytest.approx(test_set.interactions[1:4].mean())
