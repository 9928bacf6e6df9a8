"""Memory that ranking needs, and memory that is available. A run without enough memory fails at the start."""

import os
import resource
from collections.abc import Iterator
from pathlib import Path

from als_cli.errors import ResourceError

SLOTS_PER_BLOCK = 1 << 20
"""Maximum number of slots in the lists of one block of users."""
_STATE_PER_BLOCK = 1 << 26
"""Maximum memory of the state of limits in one block of users, in bytes."""
_SLOT_BYTES = 256
"""Bytes per slot: item row, score and the row of a table (measured: 90 to 200)."""
BLOCKS_AHEAD = 2
"""Maximum number of blocks that are ranked at once. While one is in a kernel, rules prepare another one."""
_CGROUP = Path("/sys/fs/cgroup")


def block_size(block_users: int, slots: int, state_bytes: int = 0) -> int:
    """Return the number of users per block for lists of `slots` slots, between 1 and `block_users`.

    `state_bytes` is the memory per user of the state of the limits.
    """
    return max(1, min(block_users, SLOTS_PER_BLOCK // slots, _STATE_PER_BLOCK // max(1, state_bytes)))


def ranking_bytes(
    candidates: int, factors: int, block_users: int, slots: int, weighted_items: int = 0
) -> int:
    """Return the approximate memory of ranking: two copies of the candidates' factors, and the blocks of users.

    `weighted_items` is the number of items whose factors are multiplied by demand, which needs one more copy.
    """
    index = 4 * (2 * candidates + weighted_items) * factors
    users = BLOCKS_AHEAD * block_users * (3 * 4 * factors + slots * _SLOT_BYTES)
    return index + users


def check_memory(needed: int) -> None:
    """Return when `needed` bytes for ranking are available, or the available memory is unknown.

    Raises
    ------
    ResourceError
        There is too little memory.
    """
    available = available_bytes()
    if available is not None and needed > available:
        raise ResourceError(
            f"ranking needs about {needed / 2**30:.1f} GiB of memory, but only {available / 2**30:.1f} GiB are available",
            hint="free memory, recommend fewer items (recommend.items.where), or lower train.factors or"
            " recommend.block_users",
        )


def available_bytes(cgroup: Path = _CGROUP) -> int | None:
    """Return the memory that this process can still allocate: the minimum over machine, container and process limits.

    None if the system does not provide these figures.
    """
    return min(_limits(cgroup), default=None)


def _limits(cgroup: Path) -> Iterator[int]:
    machine = _field(Path("/proc/meminfo"), "MemAvailable:")
    if machine is not None:
        yield machine * 1024
    for limit, used, cache in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "total_inactive_file"),
    ):
        most, now = _number(cgroup / limit), _number(cgroup / used)
        if most is not None and now is not None:
            # The system can drop cached pages of files.
            yield max(0, most - now + (_field((cgroup / limit).parent / "memory.stat", cache) or 0))
    own, _ = resource.getrlimit(resource.RLIMIT_AS)
    pages = Path("/proc/self/statm")
    if own != resource.RLIM_INFINITY and pages.exists():
        yield max(0, own - int(pages.read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE"))


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _field(path: Path, name: str) -> int | None:
    """Return the number after `name` at the start of a line, None if there is no such line."""
    try:
        lines = [line.split() for line in path.read_text().splitlines()]
    except OSError:
        return None
    return next((int(words[1]) for words in lines if words[0] == name), None)
