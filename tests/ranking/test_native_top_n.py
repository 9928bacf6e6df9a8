"""Compiled top-N beyond the contract of top-N: threads, one index for many calls, and inputs in other layouts."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from als_cli.ranking.masks import Masks
from als_cli.ranking.native_top_n import item_index, top_n_of
from als_cli.ranking.top_n import top_n
from tests.ranking.native_lists import native_top_n


@pytest.fixture
def factors() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    items = rng.normal(size=(3000, 24)) * rng.gamma(0.7, 1.0, (3000, 1))
    items[2000:2400] = items[:400]  # ties
    return rng.normal(size=(700, 24)).astype(np.float32), items.astype(np.float32)


def test_lists_do_not_depend_on_threads_and_blocks(factors):
    users, items = factors
    seen = csr_matrix((np.random.default_rng(4).random((700, 3000)) < 0.02).astype(np.float32))
    index = item_index(items)
    whole = top_n_of(index, users, 20, Masks(seen), threads=2)
    one = top_n_of(index, users, 20, Masks(seen), threads=1)
    parts = [top_n_of(index, users[s : s + 33], 20, Masks(seen[s : s + 33])) for s in range(0, 700, 33)]
    for found in (one.item_rows, np.vstack([part.item_rows for part in parts])):
        np.testing.assert_array_equal(found, whole.item_rows)
    expected = top_n(users, items, 20, seen=seen)
    np.testing.assert_array_equal(whole.item_rows, expected.item_rows)
    np.testing.assert_array_equal(whole.scores, expected.scores)


def test_an_index_of_allowed_items_also_limits_candidates(factors):
    users, items = factors
    rng = np.random.default_rng(5)
    allowed = rng.random(3000) < 0.5
    candidates = csr_matrix((rng.random((700, 3000)) < 0.01).astype(np.float32))
    found = top_n_of(item_index(items, allowed), users, 5, Masks(candidates=candidates))
    expected = top_n(users, items, 5, candidates=candidates, allowed=allowed)
    np.testing.assert_array_equal(found.item_rows, expected.item_rows)


def test_unsorted_seen_items_are_left_out_too(factors):
    users, items = factors
    best = native_top_n(users[:2], items, 3).item_rows
    seen = csr_matrix((np.ones(6, np.float32), best[:, ::-1].reshape(-1).copy(), [0, 3, 6]), shape=(2, 3000))
    again = native_top_n(users[:2], items, 3, seen=seen).item_rows
    assert not set(best.ravel()) & set(again.ravel()) or not np.isin(best[0], again[0]).any()
    assert not np.isin(best[1], again[1]).any()


def test_memory_mapped_factors(factors, tmp_path):
    users, items = factors
    np.save(tmp_path / "items.npy", items)
    found = native_top_n(users, np.load(tmp_path / "items.npy", mmap_mode="r"), 4)
    np.testing.assert_array_equal(found.item_rows, native_top_n(users, items, 4).item_rows)


def test_no_users_and_no_items():
    empty = np.empty((0, 4), np.float32)
    assert native_top_n(empty, np.ones((3, 4), np.float32), 2).item_rows.shape == (0, 2)
    assert (native_top_n(np.ones((3, 4), np.float32), empty, 2).item_rows == -1).all()
