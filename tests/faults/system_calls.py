"""System calls that change names or data on the disk, recorded with `strace`."""

import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

CALLS = (
    "openat,open,creat,write,pwrite64,writev,pwritev,ftruncate,copy_file_range,fsync,fdatasync,"
    "rename,renameat,renameat2,link,linkat,symlink,symlinkat,mkdir,mkdirat,unlink,unlinkat,rmdir"
)
_WITH_DESCRIPTOR = {
    **dict.fromkeys(("write", "pwrite", "writev", "pwritev", "ftruncate", "copy_file_range"), "write"),
    **dict.fromkeys(("fsync", "fdatasync"), "sync"),
}


@dataclass(frozen=True)
class Call:
    """A recorded call: its name, and the paths that it changes."""

    name: str
    paths: tuple[Path, ...]
    text: str = ""
    """The text of a symbolic link."""


def recorded(command: Sequence[str], folder: Path, cwd: Path) -> list[Call]:
    """Return the calls of `command` that change something in `folder`. The command runs in `cwd`."""
    with tempfile.NamedTemporaryFile("r") as log:
        tracing = ["strace", "-f", "-y", "-s", "1000", "-e", f"trace={CALLS}", "-o", log.name]
        ended = subprocess.run([*tracing, *command], cwd=cwd, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr
        calls = [_call(line, cwd) for line in _whole_lines(log.read().splitlines())]
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
