"""The protocol: blocks change nothing, averages are means, short lists are counted."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from als_cli.evaluation import diversity, protocol
from als_cli.evaluation.diversity import ListDiversity
from als_cli.evaluation.rankers import FactorRanker, Popular


@pytest.fixture
def part():
    generator = np.random.default_rng(3)
    training = (generator.random((40, 15)) < 0.3).astype(np.float32)
    training[:, 0] = 1  # nobody without history
    test = (generator.random((40, 15)) < 0.2) * (1 - training)
    test[:, 1], training[:, 1] = 1, 0  # nobody without test item
    return protocol.TestSet(
        history=csr_matrix(training),
        relevant=csr_matrix(test.astype(np.float32)),
        relevant_counts=test.sum(axis=1).astype(np.int64),
        interactions=training.sum(axis=0).astype(np.int64),
        training_users=50,
        candidates=None,
        exclude_seen=True,
    )


def factor_ranker(part, seed=0):
    generator = np.random.default_rng(seed)
    users = generator.normal(size=(part.history.shape[0], 4)).astype(np.float32)
    items = generator.normal(size=(part.history.shape[1], 4)).astype(np.float32)
    return FactorRanker("als", users, items, 2)


def test_block_size_changes_no_figure(part, monkeypatch):
    monkeypatch.setattr(diversity, "SAMPLE", 13)
    sample = ListDiversity(part.history, part.users, 0)
    whole = protocol.measure(factor_ranker(part), part, (2, 5), diversity=sample)
    monkeypatch.setattr(protocol, "_LARGEST_BLOCK", 7)
    ranked = []
    blocks = protocol.measure(factor_ranker(part), part, (2, 5), ranked.append, sample)
    assert ranked == [7, 7, 7, 7, 7, 5]
    assert blocks.averages == whole.averages
    for k in (2, 5):
        for name, values in whole.per_user[k].items():
            np.testing.assert_array_equal(blocks.per_user[k][name], values)
        np.testing.assert_array_equal(blocks.exposure[k], whole.exposure[k])
        np.testing.assert_array_equal(blocks.hits[k], whole.hits[k])


def test_diversity_is_the_mean_of_the_drawn_users_lists(part, monkeypatch):
    monkeypatch.setattr(diversity, "SAMPLE", 13)
    monkeypatch.setattr(protocol, "_LARGEST_BLOCK", 7)
    sample, ranker = ListDiversity(part.history, part.users, 0), factor_ranker(part)
    lists = np.vstack([ranker.rank(block, 4).item_rows for block in protocol.user_blocks(part)])
    averages = protocol.measure(ranker, part, (2, 4), diversity=sample).averages
    expected = sample.of(lists[sample.drawn(slice(0, 40))])
    assert len(expected) == 13
    assert averages["diversity@4"] == pytest.approx(expected.mean())
    assert "diversity@4" not in protocol.measure(ranker, part, (2, 4)).averages


def test_exposure_and_hits_count_lists_by_item(part):
    ranker = factor_ranker(part)
    lists = np.vstack([ranker.rank(block, 4).item_rows for block in protocol.user_blocks(part)])
    measured = protocol.measure(ranker, part, (4,))
    test = part.relevant.toarray()
    for item in range(15):
        listing = [user for user in range(40) if item in lists[user]]
        assert measured.exposure[4][item] == len(listing)
        assert measured.hits[4][item] == sum(1 for user in listing if test[user, item])


def test_averages_are_means_over_all_test_users(part):
    measured = protocol.measure(factor_ranker(part), part, (3,))
    for name, values in measured.per_user[3].items():
        assert values.shape == (40,)
        assert measured.averages[f"{name}@3"] == pytest.approx(values.mean())


def test_shorter_lists_are_prefixes_of_longer_ones(part):
    alone = protocol.measure(factor_ranker(part), part, (2,))
    beside = protocol.measure(factor_ranker(part), part, (2, 9))
    assert {name: beside.averages[name] for name in alone.averages} == alone.averages


def test_scores_that_know_the_answer_are_perfect(part):
    """User factors = test rows, item factors = unit vectors: the score of a pair is whether it is a test pair."""
    oracle = FactorRanker("oracle", part.relevant.toarray(), np.eye(15, dtype=np.float32), 2)
    measured = protocol.measure(oracle, part, (15,))
    for name in ("ndcg", "recall", "map", "mrr", "hit_rate"):
        assert measured.averages[f"{name}@15"] == pytest.approx(1.0), name


def test_lists_shorter_than_asked_for_are_counted(part):
    measured = protocol.measure(Popular(part.history, 2), part, (15,))
    assert measured.short_lists == 40  # everybody has seen at least one of the 15 items
    assert protocol.measure(Popular(part.history, 2), part, (1,)).short_lists == 0


def test_figures_of_lists_are_those_of_the_lists_themselves(part):
    """Novelty, popularity lift and full lists, from every user's list as the ranker gives it."""
    ranker, k = factor_ranker(part), 12
    lists = np.vstack([ranker.rank(block, k).item_rows for block in protocol.user_blocks(part)])
    bits, listed, own, full = [], [], [], 0
    for row, history in zip(lists.tolist(), part.history.toarray(), strict=True):
        items = [item for item in row if item >= 0]
        bits += [-np.log2(max(part.interactions[item], 1) / 50) for item in items]
        listed.append(np.mean([part.interactions[item] for item in items]))
        own.append(np.mean([part.interactions[item] for item in np.flatnonzero(history)]))
        full += len(items) == k
    assert 0 < full < 40
    averages = protocol.measure(ranker, part, (3, k)).averages
    assert averages[f"novelty@{k}"] == pytest.approx(np.mean(bits))
    assert averages[f"popularity_lift@{k}"] == pytest.approx(np.mean(listed) / np.mean(own))
    assert averages[f"filled@{k}"] == full / 40


def test_catalogue_figures_look_at_candidates_only(part):
    candidates = np.zeros((40, 15), dtype=np.float32)
    candidates[:, 1:4] = 1
    restricted = replace(part, candidates=csr_matrix(candidates), exclude_seen=False)
    measured = protocol.measure(factor_ranker(part), restricted, (3,))
    assert measured.averages["coverage@3"] == 1.0
    assert measured.averages["gini@3"] == pytest.approx(0.0)
    assert measured.averages["popularity@3"] == pytest.approx(part.interactions[1:4].mean())
