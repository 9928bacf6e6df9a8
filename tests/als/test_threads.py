import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy  # noqa: F401, ICN001 - it loads the first BLAS
import pytest
from threadpoolctl import threadpool_info

from als_cli.als.threads import Workers, ahead, available_threads

ROOT = Path(__file__).parents[2]


def test_counts_the_cpus_of_this_process(tmp_path):
    assert available_threads(tmp_path) == len(os.sched_getaffinity(0))


@pytest.mark.parametrize(("text", "limit"), [("50000 100000", 1), ("100000 100000", 1), ("max 100000", None)])
def test_honours_the_limit_of_a_container(tmp_path, text, limit):
    (tmp_path / "cpu.max").write_text(text)
    assert available_threads(tmp_path) == (limit or len(os.sched_getaffinity(0)))


@pytest.mark.parametrize(("quota", "limit"), [("100000", 1), ("-1", None)])
def test_honours_the_limit_of_an_old_container(tmp_path, quota, limit):
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text(f"{quota}\n")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert available_threads(tmp_path) == (limit or len(os.sched_getaffinity(0)))


def test_at_most_all_cpus_are_used():
    assert Workers(10_000).threads == available_threads()
    assert Workers(0).threads == 1


def test_results_come_in_order_from_no_more_threads_than_asked_for():
    seen = set()

    def work(piece: int) -> int:
        seen.add(threading.get_ident())
        return piece * piece

    with Workers(2) as workers:
        assert workers.map(work, range(50)) == [piece * piece for piece in range(50)]
    assert len(seen) <= 2


def test_blas_has_one_thread_inside_and_its_earlier_number_afterwards():
    def blas_threads() -> list[int]:
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    before = blas_threads()
    with Workers(2):
        assert set(blas_threads()) == {1}
    assert blas_threads() == before


def test_blas_libraries_that_are_imported_later_are_limited_too():
    """The BLAS of numpy is loaded first, then the one of scipy."""
    program = """
import numpy
from threadpoolctl import threadpool_info
from als_cli.als.threads import blas_limited_to

def limited():
    with blas_limited_to(1):
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

first = limited()
import scipy.linalg
print(len(first), set(first), len(limited()) > len(first), set(limited()))
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert ended.stdout.split() == ["1", "{1}", "True", "{1}"], ended.stderr


def test_an_error_in_one_task_stops_the_map():
    started = []

    def work(piece: int) -> None:
        started.append(piece)
        if piece == 3:
            raise ZeroDivisionError(str(piece))
        time.sleep(0.005)

    before = threading.active_count()
    with pytest.raises(ZeroDivisionError, match="3"), Workers(2) as workers:
        workers.map(work, range(100))
    assert len(started) < 10
    assert threading.active_count() == before


def test_the_first_of_several_errors_is_raised():
    both = threading.Barrier(2)

    def work(piece: int) -> None:
        both.wait(timeout=10)
        raise ZeroDivisionError(str(piece))

    if Workers(2).threads < 2:
        pytest.skip("this process has one processor")
    with pytest.raises(ZeroDivisionError, match="0"), Workers(2) as workers:
        workers.map(work, range(2))


def test_ctrl_c_ends_the_map_and_its_threads():
    program = """
import os, signal, threading, time
from als_cli.als.threads import Workers

def work(piece):
    if piece == 5:
        os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.01)

try:
    with Workers(2) as workers:
        workers.map(work, range(1000))
except KeyboardInterrupt:
    print("interrupted", threading.active_count())
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, timeout=60
    )
    assert ended.stdout.split() == ["interrupted", "1"], ended.stderr


def test_a_map_inside_a_map():
    with Workers(2) as outer, Workers(2) as inner:
        found = outer.map(lambda piece: inner.map(lambda other: piece * other, range(5)), range(5))
    assert found == [[piece * other for other in range(5)] for piece in range(5)]


def test_pieces_ahead_are_in_order_and_the_first_is_alone():
    running, most, alone = set(), [], []

    def work(piece: int) -> int:
        running.add(piece)
        most.append(len(running))
        time.sleep(0.01 if piece else 0.05)
        if piece == 0:
            alone.append(set(running))
        running.discard(piece)
        return piece * piece

    assert list(ahead(work, range(12), 2)) == [piece * piece for piece in range(12)]
    assert alone == [{0}]
    assert max(most) <= 2


@pytest.mark.parametrize("at_once", [1, 2, 3])
def test_an_error_ahead_is_raised_where_its_result_would_be(at_once):
    def work(piece: int) -> int:
        return 10 // (3 - piece)

    found = ahead(work, range(6), at_once)
    assert [next(found) for _ in range(3)] == [3, 5, 10]
    with pytest.raises(ZeroDivisionError):
        next(found)
    assert list(ahead(work, [], at_once)) == []
