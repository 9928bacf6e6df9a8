"""States that a file system may leave after a loss of power while lists are published, and what readers find in them.

    python tests/faults/power_loss.py [--random 200]

`strace` records the system calls of a process that publishes. The recorded calls are replayed up to each call. A call
that changes a folder is on the disk after a sync of this folder, and the data of a file after a sync of this file. All
other changes may be lost, each alone or with others, in any combination:

* a name that was created, renamed, linked or removed
* the data of a file, which is then empty or cut in half

A rename is atomic, and if it is on the disk, so is the creation of the file that it renames. Different states are built
on disk and opened. Readers must find the old lists or the new ones, whole, and the next publication must succeed.
"""

import argparse
import hashlib
import json
import random
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import polars as pl  # noqa: E402 - the path is set first

from als_cli.storage.manifest import file_sha256  # noqa: E402
from als_cli.storage.sinks.publish_lists import published_lists  # noqa: E402
from tests.faults.simulated_disk import Replay  # noqa: E402
from tests.faults.system_calls import recorded  # noqa: E402
from tests.storage.test_sinks import ROWS, target, write  # noqa: E402

OLD, NEW = [ROWS], [ROWS, ROWS, ROWS]
"""The blocks of the lists that are published first, and of those that replace them."""
OPTIONS = {"users_per_part": 2, "keep": 1}
"""Lists in a folder have a part per block. The old version is removed after the new one is published."""
PUBLISH = """
import sys
from als_cli.storage import durable
from tests.faults.power_loss import NEW, OPTIONS
from tests.storage.test_sinks import target, write

skipped = sys.argv[2]
if skipped:
    sync = durable._sync
    durable._sync = lambda path: None if path.name.endswith(skipped) else sync(path)
write(target(sys.argv[1], **OPTIONS), NEW)
"""


def build(tree: dict[str, tuple[str, object]], folder: Path) -> None:
    """Make `tree` on the disk in `folder`."""
    for name, (kind, content) in tree.items():
        path = folder / name
        if kind == "folder":
            path.mkdir()
        elif kind == "link":
            path.symlink_to(str(content))
        else:
            path.write_bytes(content)


@dataclass
class Outcome:
    """The number of states that were opened, and what was wrong with them."""

    calls: int = 0
    states: int = 0
    failures: list[str] = field(default_factory=list)


def examine(name: str, *, earlier: bool, skipped: str = "", most: int = 20, seed: int = 0) -> Outcome:
    """Open all states of a publication of lists called `name`, with or without `earlier` lists there."""
    outcome, chance, seen = Outcome(), random.Random(seed), set[str]()
    with tempfile.TemporaryDirectory() as temporary:
        work, before = Path(temporary).resolve() / "out", Path(temporary).resolve() / "before"
        work.mkdir()
        if earlier:
            write(target(work / name, **OPTIONS), OLD)
        shutil.copytree(work, before, symlinks=True)
        command = [sys.executable, "-c", PUBLISH, str(work / name), skipped]
        calls = recorded(command, work, ROOT)
        outcome.calls = len(calls)
        whole = Replay(work, before)
        for call in calls:
            whole.do(call)
        replay = Replay(work, before, whole.contents())
        for number in range(len(calls) + 1):
            if number:
                replay.do(calls[number - 1])
            is_done = number == len(calls)
            for tree in replay.states(chance, most):
                key = hashlib.sha256(repr(sorted(tree.items())).encode()).hexdigest()
                if f"{key} {is_done}" in seen:
                    continue
                seen.add(f"{key} {is_done}")
                outcome.states += 1
                problem = _problem(tree, name, earlier=earlier, is_done=is_done)
                if problem:
                    outcome.failures.append(f"after call {number} of {len(calls)}: {problem}")
    return outcome


def _problem(tree: dict[str, tuple[str, object]], name: str, *, earlier: bool, is_done: bool) -> str | None:
    """Return what is wrong with `tree`, None if readers find the old or the new lists, and the next run publishes."""
    shared_memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared_memory if shared_memory.is_dir() else None) as temporary:
        folder = Path(temporary)
        build(tree, folder)
        found = _read(folder / name)
        allowed = [len(NEW)] if is_done else [len(OLD), len(NEW)] if earlier else [None, len(NEW)]
        if found not in allowed:
            return f"readers find {found}"
        try:
            published = published_lists(target(folder / name))
            if is_done and published is None:
                return "the new lists are not believed"
            write(target(folder / name, **OPTIONS), NEW)
        except Exception as failure:  # noqa: BLE001 - any failure is a finding
            return f"the next run failed: {failure}"
        if _read(folder / name) != len(NEW):
            return "the next run did not publish"
        left = [
            path.name
            for path in folder.rglob(".*")
            if re.match(r"\.staging-|\.link-|.*\.partial$", path.name)
        ]
        return f"the next run left {left}" if left else None


def _read(path: Path) -> int | str | None:
    """Return the number of blocks in the lists at `path`, None if there are none, or what is wrong with them."""
    try:
        if path.is_dir():
            described = json.loads(path.with_name(f"{path.name}.manifest.json").read_text())["outputs"]
            for one in described:
                if file_sha256(path.parent / one["path"]) != one["sha256"]:
                    return f"{one['path']} differs from the manifest"
            files = sorted(path.iterdir())
            if {f"{path.name}/{file.name}" for file in files} != {
                one["path"] for one in described if "/" in one["path"]
            }:
                return f"{[file.name for file in files]} in the folder"
            lists = pl.read_parquet(files)
        elif path.is_symlink() or path.exists():
            lists = pl.read_parquet(path)
        else:
            return None
    except Exception as failure:  # noqa: BLE001 - any failure is a finding
        return f"{type(failure).__name__}: {failure}"
    blocks = lists.height // ROWS.height
    return blocks if lists.equals(pl.concat([ROWS] * blocks)) else "other lists"


def main() -> None:
    """Examine all kinds of publications, and print the number of states and failures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--random", type=int, default=200, help="random combinations of many changes")
    parser.add_argument("--seed", type=int, default=0)
    wanted = parser.parse_args()
    states = 0
    for name in ("recs", "recs.parquet"):
        for earlier in (False, True):
            found = examine(name, earlier=earlier, most=wanted.random, seed=wanted.seed)
            states += found.states
            print(f"{name}, earlier lists {earlier}: {found.calls} calls, {found.states} states", end=", ")
            print(f"{len(found.failures)} failures", *found.failures[:5], sep="\n  ")
    print(f"{states} states")


if __name__ == "__main__":
    main()
