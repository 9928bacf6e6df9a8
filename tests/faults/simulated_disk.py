"""A simulated folder: recorded calls are replayed in it, and it has the states that a loss of power may leave."""

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.system_calls import Call

_MANY = 7
"""Number of changes that may be lost above which not all combinations are tried."""


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
