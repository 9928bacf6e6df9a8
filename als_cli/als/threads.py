"""The number of threads that can run, and a pool that runs work on that number, with BLAS limited to it."""

import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, ExitStack
from functools import lru_cache
from pathlib import Path
from typing import Generic, Self, TypeVar

from threadpoolctl import ThreadpoolController

T = TypeVar("T")
P = TypeVar("P")

_CGROUP = Path("/sys/fs/cgroup")


def available_threads(cgroup: Path = _CGROUP) -> int:
    """Return the number of threads that can run at once, at least 1.

    These are the CPUs of this process, within the CPU limit of the container.
    """
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = _cpu_limit(cgroup)
    return cpus if limit is None else max(1, min(cpus, limit))


@lru_cache(maxsize=1)
def _cpu_limit(cgroup: Path) -> int | None:
    """Return the CPU limit of the control group, rounded up (cgroup v2, else v1); None without a limit.

    It is read once, because a ranking asks for it a hundred times.
    """
    try:
        quota, period = (cgroup / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            quota = (cgroup / "cpu" / "cpu.cfs_quota_us").read_text().strip()
            period = (cgroup / "cpu" / "cpu.cfs_period_us").read_text().strip()
        except OSError:
            return None
    if quota in ("max", "-1"):
        return None
    return -(-int(quota) // int(period))


def blas_limited_to(threads: int) -> AbstractContextManager[object]:
    """Return a context in which a call of BLAS uses at most `threads` threads."""
    limited: AbstractContextManager[object] = _loaded_libraries(len(sys.modules)).limit(
        limits=threads, user_api="blas"
    )
    return limited


@lru_cache(maxsize=1)
def _loaded_libraries(modules: int) -> ThreadpoolController:  # noqa: ARG001 - the key of the cache
    """Return the BLAS libraries of this process. They are looked up again only after an import, which may load one.

    The look-up reads the memory map of the process. That takes milliseconds, and searches would do it thousands of times.
    """
    return ThreadpoolController()


class Workers:
    """A context whose `map` runs work on at most `threads` threads; each BLAS call inside uses one thread.

    The last bits of a product may depend on the number of BLAS threads. So BLAS gets one thread, and work is divided
    into pieces of fixed size. Results then do not depend on the number of threads.
    """

    def __init__(self, threads: int) -> None:
        self.threads = max(1, min(threads, available_threads()))
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Limit BLAS to one thread per call."""
        self._stack.enter_context(blas_limited_to(1))
        return self

    def __exit__(self, *_: object) -> None:
        """Restore the threads of BLAS."""
        self._stack.close()

    def map(self, work: Callable[..., T], *pieces: Iterable[object]) -> list[T]:
        """Return ``[work(piece), ...]`` in the order of `pieces`, which is also the order in which they start.

        The calling thread works too, so a map on two threads starts one. That takes a tenth of the time of a pool of
        threads, which matters to maps of some milliseconds. An error ends the map after the pieces that are running.
        """
        arguments = list(zip(*pieces, strict=False))
        others = min(self.threads, len(arguments)) - 1
        if others < 1:
            return [work(*one) for one in arguments]
        return _SharedWork(work, arguments).run(others)


class _SharedWork(Generic[T]):
    """Pieces of work that several threads take one after the other."""

    def __init__(self, work: Callable[..., T], arguments: Sequence[tuple[object, ...]]) -> None:
        self._work, self._arguments = work, arguments
        self._waiting = iter(range(len(arguments)))  # Python's lock protects its `next`
        self._results: dict[int, T] = {}
        self._errors: dict[int, BaseException] = {}

    def run(self, others: int) -> list[T]:
        """Return all results. This thread and `others` work. The error of the first piece with one is raised."""
        threads = [threading.Thread(target=self._take, name=f"als-{number}") for number in range(others)]
        try:
            for thread in threads:
                thread.start()
            self._take()
        except BaseException as stop:  # Ctrl-C between two pieces, or no more threads
            self._errors[-1] = stop
            raise
        finally:
            for thread in threads:
                if thread.ident is not None:  # it was started
                    thread.join()
        if self._errors:
            raise self._errors[min(self._errors)]
        return [self._results[number] for number in range(len(self._arguments))]

    def _take(self) -> None:
        for number in self._waiting:
            if self._errors:
                return
            try:
                self._results[number] = self._work(*self._arguments[number])
            except BaseException as error:  # noqa: BLE001 - it is raised in the calling thread
                self._errors[number] = error


def ahead(work: Callable[[P], T], pieces: Iterable[P], at_once: int) -> Iterator[T]:
    """Yield ``work(piece)`` for each of `pieces`, in order. The next `at_once` pieces are worked on while the caller uses one.

    The first piece is worked on alone, because it makes what all pieces share. An error of `work` is raised where its
    result would be yielded.
    """
    with ThreadPoolExecutor(at_once, thread_name_prefix="als-ahead") as pool:
        waiting: deque[Future[T]] = deque()
        for number, piece in enumerate(pieces):
            waiting.append(pool.submit(work, piece))
            if number == 0:
                wait(waiting)
            if len(waiting) > at_once:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def side_by_side(
    work: Callable[[P, int], T], pieces: Sequence[P], threads: int, at_once: int | None = None
) -> list[T]:
    """Return ``[work(piece, its threads), ...]`` in the order of `pieces`, of which `at_once` run at the same time.

    The default of `at_once` is the number of `threads`.

    One small piece of work cannot keep many threads busy, but several pieces can.
    """
    at_once = max(1, min(threads, available_threads(), len(pieces), at_once or threads))
    each = -(-threads // at_once)
    with Workers(at_once) as workers:
        return workers.map(lambda piece: work(piece, each), pieces)
