"""Readers of lists that are published again and again never find a mixture of two versions."""

from tests.faults.readers import GONE, READERS, WHOLE, watch


def test_readers_find_whole_lists_during_publications():
    results = watch(15)
    assert results.keys() == READERS.keys()
    for found in results.values():
        assert found[f"resolved: {WHOLE}"] > 0
        assert found.keys() <= {f"resolved: {WHOLE}", f"by path: {WHOLE}", f"by path: {GONE}"}
