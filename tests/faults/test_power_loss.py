"""After a loss of power while lists are published, readers find the old lists or the new ones, whole."""

import shutil

import pytest

from tests.faults.power_loss import examine

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


@pytest.mark.parametrize("name", ["recs", "recs.parquet"])
def test_every_state_that_the_file_system_may_leave_has_whole_lists(name):
    found = examine(name, earlier=True, most=3)
    assert found.failures == []
    assert found.states > 50


@pytest.mark.parametrize(("name", "skipped"), [("recs", ".recs.versions"), ("recs.parquet", ".parquet")])
def test_a_missing_sync_is_found(name, skipped):
    """The names of the versions, or the data of files, do not reach the disk before the lists are published."""
    assert examine(name, earlier=True, skipped=skipped, most=3).failures
