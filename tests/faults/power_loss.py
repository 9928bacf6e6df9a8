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
import itertools
import json
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import polars as pl  # noqa: E402 - the path is set first

from als_cli.storage.manifest import file_sha256  # noqa: E402
from als_cli.storage.sinks.publish_lists import published_lists  # noqa: E402
from tests.storage.test_sinks import ROWS, target, write  # noqa: E402

OLD, NEW = [ROWS], [ROWS, ROWS, ROWS]
"""The blocks of the lists that are published first, and of those that replace them."""
OPTIONS = {"users_per_part": 2, "keep": 1}
"""Lists in a folder have a part per block. The old version is removed after the new one is published."""
CALLS = (
    "openat,open,creat,write,pwrite64,writev,pwritev,ftruncate,copy_file_range,fsync,fdatasync,"
    "rename,renameat,renameat2,link,linkat,symlink,symlinkat,mkdir,mkdirat,unlink,unlinkat,rmdir"
)
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
_WITH_DESCRIPTOR = {
    **dict.fromkeys(("write", "pwrite", "writev", "pwritev", "ftruncate", "copy_file_range"), "write"),
    **dict.fromkeys(("fsync", "fdatasync"), "sync"),
}
_MANY = 7
"""Number of changes that may be lost above which not all combinations are tried."""


@dataclass(frozen=True)
class Call:
    """A recorded call: its name, and the paths that it changes."""

    name: str
    paths: tuple[Path, ...]
    text: str = ""
    """The text of a symbolic link."""


def recorded(path: Path, skipped: str = "") -> list[Call]:
    """Return the calls of a process that publishes NEW at `path`. Syncs of paths that end in `skipped` are left out."""
    with tempfile.NamedTemporaryFile("r") as log:
        command = ["strace", "-f", "-y", "-s", "1000", "-e", f"trace={CALLS}", "-o", log.name]
        ended = subprocess.run(
            [*command, sys.executable, "-c", PUBLISH, str(path), skipped],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        calls = [_call(line, ROOT) for line in _whole_lines(log.read().splitlines())]
    folder = path.parent
    return [
        call for call in calls if call and all(folder in one.parents or one == folder for one in call.paths)
    ]


def _whole_lines(lines: Sequence[str]) -> Iterator[str]:
    """Yield the calls, where those that were interrupted by another thread are joined."""
    waiting: dict[str, str] = {}
    for line in lines:
        process, _, text = line.partition(" ")
        text = text.strip()
        if text.endswith("<unfinished ...>"):
            waiting[process] = text.removesuffix("<unfinished ...>")
        elif resumed := re.match(r"<\.\.\. \w+ resumed>", text):
            yield waiting.pop(process, "") + text[resumed.end() :]
        else:
            yield text


def _call(line: str, folder: Path) -> Call | None:
    """Return the call of `line`, None if it failed or changes nothing. Relative paths start at `folder`."""
    found = re.fullmatch(r"(\w+)\((.*)\)\s+= (\d+)(?:<.*>)?", line)
    if not found:
        return None
    name, arguments = found[1].removesuffix("64"), found[2]
    quoted = [
        part.encode().decode("unicode_escape") for part in re.findall(r'"((?:[^"\\]|\\.)*)"', arguments)
    ]
    opened = re.match(r"\d+<([^>]*)>", arguments)
    name = re.sub(r"at2?$", "", name) if name != "creat" else name
    if name in _WITH_DESCRIPTOR:
        return Call(_WITH_DESCRIPTOR[name], (Path(opened[1]),)) if opened else None
    if name == "open" and "O_CREAT" not in arguments:
        return None
    if name == "symlink":
        return Call("symlink", (folder / quoted[1],), quoted[0])
    if name == "unlink" and "AT_REMOVEDIR" in arguments:
        name = "rmdir"
    name = "create" if name in ("open", "creat") else name
    return Call(name, tuple(folder / part for part in quoted))


@dataclass
class Inode:
    """A file, a folder or a symbolic link. It has one or more names in folders."""

    kind: str
    """file, folder or link."""
    content: bytes = b""
    text: str = ""
    """Text of a link."""
    is_safe: bool = True
    """Whether the content of a file is on the disk."""
    names: dict[str, "Inode"] = field(default_factory=dict)

    def __hash__(self) -> int:
        """Return a hash of the identity."""
        return id(self)

    def __eq__(self, other: object) -> bool:
        """Return whether `other` is the same inode."""
        return self is other


@dataclass(frozen=True, eq=False)
class Change:
    """A change of names: `inode` loses the first name, if there is one, and gets the second, if there is one."""

    inode: Inode
    lost: tuple[Inode, str] | None
    gained: tuple[Inode, str] | None

    @property
    def folder(self) -> Inode:
        """The folder whose sync puts the change on the disk."""
        return (self.gained or self.lost)[0]

    def apply(self, names: dict[Inode, dict[str, Inode]]) -> None:
        """Change `names`, the names in each folder."""
        if self.lost and names.setdefault(self.lost[0], {}).get(self.lost[1]) is self.inode:
            del names[self.lost[0]][self.lost[1]]
        if self.gained:
            names.setdefault(self.gained[0], {})[self.gained[1]] = self.inode


class Replay:
    """A simulated folder in which recorded calls are replayed."""

    def __init__(self, folder: Path, before: Path, contents: Sequence[bytes] = ()) -> None:
        """Start with the tree `before`, which was in `folder`. New files get `contents` in the order of their creation."""
        self._folder = folder
        self._root = _scanned(before)
        self._contents = iter(contents)
        self._new: list[Inode] = []
        self._start = {inode: dict(inode.names) for inode in _folders(self._root)}
        self._changes: list[Change] = []
        self._safe: set[Change] = set()

    def do(self, call: Call) -> None:
        """Replay `call`."""
        inodes = [self._inode(path) for path in call.paths]
        if call.name == "sync":
            self._sync(inodes[0])
        elif call.name == "write":
            inodes[0].is_safe = False
        elif call.name in ("create", "mkdir", "symlink"):
            if inodes[0] is None:
                kind = {"create": "file", "mkdir": "folder", "symlink": "link"}[call.name]
                inode = Inode(kind, next(self._contents, b"") if kind == "file" else b"", call.text)
                self._new += [inode] if kind == "file" else []
                self._change(Change(inode, None, self._place(call.paths[0])))
        elif call.name == "link":
            self._change(Change(inodes[0], None, self._place(call.paths[1])))
        elif call.name == "rename":
            self._change(Change(inodes[0], *map(self._place, call.paths)))
        elif call.name in ("unlink", "rmdir"):
            self._change(Change(inodes[0], self._place(call.paths[0]), None))
        else:
            raise AssertionError(call)

    def contents(self) -> list[bytes]:
        """Return the content that each new file has now in the folder, in the order of their creation; empty if it is gone."""
        paths = dict(_files(self._root, self._folder))
        return [paths[inode].read_bytes() if inode in paths else b"" for inode in self._new]

    def states(self, chance: random.Random, most: int) -> Iterator[dict[str, tuple[str, object]]]:
        """Yield the trees that a loss of power may leave now: kind and content by path, `most` random ones at most."""
        unsafe = [change for change in self._changes if change not in self._safe]
        dirty = [inode for inode in {change.inode for change in self._changes} if not inode.is_safe]
        for kept in _subsets(unsafe, chance, most):
            names = {inode: dict(own) for inode, own in self._start.items()}
            for change in self._changes:
                if change in self._safe or change in kept:
                    change.apply(names)
            for lost in ("none", "empty", "half") if dirty else ("none",):
                yield dict(self._listed(self._root, names, lost))

    def _listed(
        self, folder: Inode, names: dict[Inode, dict[str, Inode]], lost: str, prefix: str = ""
    ) -> Iterator[tuple[str, tuple[str, object]]]:
        for name, inode in sorted(names.get(folder, {}).items()):
            path = f"{prefix}{name}"
            if inode.kind == "folder":
                yield path, ("folder", None)
                yield from self._listed(inode, names, lost, f"{path}/")
            elif inode.kind == "link":
                yield path, ("link", inode.text)
            else:
                content = inode.content
                if not inode.is_safe and lost != "none":
                    content = b"" if lost == "empty" else content[: len(content) // 2]
                yield path, ("file", content)

    def _change(self, change: Change) -> None:
        self._changes.append(change)
        if change.lost:
            del change.lost[0].names[change.lost[1]]
        if change.gained:
            change.gained[0].names[change.gained[1]] = change.inode

    def _sync(self, inode: Inode) -> None:
        inode.is_safe = True
        self._safe |= {change for change in self._changes if change.folder is inode}

    def _place(self, path: Path) -> tuple[Inode, str]:
        folder = self._inode(path.parent)
        assert folder is not None, path
        return folder, path.name

    def _inode(self, path: Path) -> Inode | None:
        inode = self._root
        for name in path.relative_to(self._folder).parts:
            inode = inode.names.get(name)
            if inode is None:
                return None
        return inode


def _scanned(folder: Path) -> Inode:
    root = Inode("folder")
    for path in sorted(folder.iterdir()):
        if path.is_symlink():
            root.names[path.name] = Inode("link", text=str(path.readlink()))
        elif path.is_dir():
            root.names[path.name] = _scanned(path)
        else:
            root.names[path.name] = Inode("file", path.read_bytes())
    return root


def _folders(root: Inode) -> Iterator[Inode]:
    yield root
    for inode in root.names.values():
        if inode.kind == "folder":
            yield from _folders(inode)


def _files(root: Inode, path: Path) -> Iterator[tuple[Inode, Path]]:
    for name, inode in root.names.items():
        yield inode, path / name
        if inode.kind == "folder":
            yield from _files(inode, path / name)


def _subsets(changes: Sequence[Change], chance: random.Random, most: int) -> Iterator[set[Change]]:
    """Yield sets of changes that are kept: all combinations of few changes; of many, the extreme and random ones."""
    if len(changes) <= _MANY:
        for size in range(len(changes) + 1):
            yield from map(set, itertools.combinations(changes, size))
        return
    yield set()
    yield set(changes)
    for change in changes:
        yield {change}
        yield set(changes) - {change}
    for _ in range(most):
        yield {change for change in changes if chance.random() < 0.5}


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
        calls = recorded(work / name, skipped)
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
