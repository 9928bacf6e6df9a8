"""Writes that fail leave the published dataset as it is, and the next run succeeds (the scripts try many more)."""

import os
import shutil
import sys

import pytest

from tests.faults.full_disk import Case, left_in, problems_of, traced
from tests.faults.kills import problems_in
from tests.faults.small_disk import Runner, disk_with, fill
from tests.in_process import als_here
from tests.shop import write_shop

CASES = [
    Case("mkdir", 1, "EROFS"),
    Case("fsync", 3, "EIO"),
    Case("rename", 1, "EACCES"),
    Case("symlink", 1, "ENOSPC"),
]


@pytest.mark.skipif(
    shutil.which("strace") is None, reason="strace, which lets system calls fail, is not installed"
)
def test_calls_that_fail_keep_the_dataset(tmp_path):
    config = write_shop(tmp_path)
    assert als_here("ingest", "-c", config).returncode == 0
    manifest = (tmp_path / "work/dataset/manifest.json").read_bytes()
    for case in CASES:
        ended, log = traced(tmp_path, "ingest", case)
        assert any("(INJECTED)" in line and str(tmp_path) in line for line in log), case
        assert problems_of(ended, case, tmp_path) == []
        assert problems_in(tmp_path) == []
        assert (tmp_path / "work/dataset/manifest.json").read_bytes() == manifest
    assert als_here("ingest", "-c", config).returncode == 0
    assert left_in(tmp_path) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk for an ordinary process")
def test_a_disk_that_fills_up_while_arrays_are_written_keeps_the_dataset(tmp_path):
    config = write_shop(tmp_path)
    assert als_here("ingest", "-c", config).returncode == 0
    runner = Runner("root", sys.executable, os.environ["HOME"])
    with disk_with(tmp_path, "root") as shop:
        fill(shop.parent, 48)
        ended = runner.run(shop, "ingest")
        assert problems_of(ended, Case("write", 0, "ENOSPC"), shop) == []
        assert problems_in(shop) == []
