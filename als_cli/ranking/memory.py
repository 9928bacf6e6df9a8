"""What ranking needs of memory, and what there is; so that it is refused at the start rather than killed half way."""

import os
import resource
from collections.abc import Iterator
from pathlib import Path

PLACES_AT_A_TIME = 1 << 20
"""Places in the lists of one block of users, however long the lists are."""
_PLACE_BYTES = 256
"""Per place, from item row and score to the row of a table (measured: 90 to 200)."""
_CGROUP = Path("/sys/fs/cgroup")


def block_size(block_users: int, places: int) -> int:
    """Return how many users to rank at a time, at most `block_users`, for lists of `places`; at least 1."""
    return max(1, min(block_users, PLACES_AT_A_TIME // places))


def ranking_bytes(candidates: int, factors: int, block_users: int, places: int) -> int:
    """Return about how much memory ranking takes: two copies of the candidates' factors, and one block of users."""
    index = 2 * 4 * candidates * factors
    users = block_users * (3 * 4 * factors + places * _PLACE_BYTES)
    return index + users


def available_bytes(cgroup: Path = _CGROUP) -> int | None:
    """Return how much more memory this process may take: of the machine, its container, and its own limit.

    None where the system does not say.
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
            # The system drops cached pages of files first.
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
    """Return the number after `name` at the beginning of a line."""
    try:
        lines = [line.split() for line in path.read_text().splitlines()]
    except OSError:
        return None
    return next((int(words[1]) for words in lines if words[0] == name), None)
