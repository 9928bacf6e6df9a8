"""Commands on a disk that is full, read-only or not theirs, and what readers and the next run find.

    python tests/faults/small_disk.py [--user nobody --python /usr/bin/python3] [--command NAME]...

It needs root, because it mounts a file system in memory. Each command runs with several amounts of free space: from none
to the first amount with which it succeeds. Then it runs on a read-only file system, and in a folder of another user.
`--user` runs the commands as an ordinary user, with an interpreter of the same version that this user may start.

A command must exit with code 7 and one error that names the place, or succeed. Afterwards every artifact and the lists
must be an old or a new version, whole, with all hashes of their manifests. On a read-only disk and without permission,
no file may change. The next run with free space must succeed and leave nothing behind.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.faults.full_disk import COMMANDS, problems_of_next_run  # noqa: E402 - the path is set first
from tests.faults.kills import make_shop, problems_in  # noqa: E402

FREE_KIB = (0, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 1024)
DISK_MIB = 32
FILLER = "filler"


@dataclass(frozen=True)
class Runner:
    """The user and the interpreter of the commands."""

    user: str
    python: str
    home: str
    """A folder of the user, with the cache of the compiled kernels."""

    def run(self, shop: Path, name: str) -> subprocess.CompletedProcess[str]:
        """Run the command `name` in `shop`."""
        arguments = [part.replace("{shop}", str(shop)) for part in COMMANDS[name]]
        packages = [str(ROOT), *(path for path in sys.path if path.endswith("site-packages"))]
        return subprocess.run(
            [self.python, "-m", "als_cli", *arguments, "-c", str(shop / "shop.yaml"), "-q"],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.home,
            user=self.user,
            env={
                "PATH": os.environ["PATH"],
                "HOME": self.home,
                "PYTHONPATH": ":".join(packages),
                "PYTHONDONTWRITEBYTECODE": "1",
            },
        )


@contextmanager
def disk_with(shop: Path, user: str) -> Iterator[Path]:
    """Yield a copy of `shop` on a small file system in memory, which belongs to `user`."""
    with tempfile.TemporaryDirectory() as temporary:
        disk = Path(temporary, "disk")
        disk.mkdir()
        Path(temporary).chmod(0o755)
        _call("mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m,mode=755", "tmpfs", str(disk))
        try:
            copy = Path(shutil.copytree(shop, disk / "shop", symlinks=True))
            _call("chown", "-R", user, str(disk))
            yield copy
        finally:
            _call("umount", "--lazy", str(disk))


def fill(disk: Path, free_kib: int) -> None:
    """Fill the file system at `disk` until `free_kib` are free."""
    status = os.statvfs(disk)
    size = max(0, status.f_bavail * status.f_frsize - free_kib * 1024)
    with (disk / FILLER).open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(size, 1))


def hashes(shop: Path) -> dict[str, str]:
    """Return the content of all files and links in `shop`."""
    return {
        str(path): str(path.readlink())
        if path.is_symlink()
        else hashlib.sha256(path.read_bytes()).hexdigest()
        for path in shop.rglob("*")
        if path.is_symlink() or path.is_file()
    }


def on_full_disks(shop: Path, name: str, runner: Runner) -> tuple[Counter[int], list[str]]:
    """Run the command `name` with more and more free space. Return the exit codes and what was wrong."""
    codes, found = Counter[int](), list[str]()
    for free in FREE_KIB:
        with disk_with(shop, runner.user) as copy:
            fill(copy.parent, free)
            ended = runner.run(copy, name)
            codes[ended.returncode] += 1
            problems = [*_problems_of(ended, copy, allowed=(0, 7)), *problems_in(copy)]
            (copy.parent / FILLER).unlink()
            problems += problems_of_next_run(copy, name)
            found += [f"{free} KiB free: {problem}" for problem in problems]
            if ended.returncode == 0:
                break
    return codes, found


def not_writable(shop: Path, name: str, runner: Runner) -> tuple[Counter[int], list[str]]:
    """Run the command `name` on a read-only file system, and in a folder of root if the user is another one."""
    codes, found = Counter[int](), list[str]()
    for way in ("read-only", *([] if runner.user == "root" else ["of another user"])):
        with disk_with(shop, runner.user) as copy:
            disk, before = copy.parent, hashes(copy)
            if way == "read-only":
                _call("mount", "-o", "remount,ro", str(disk))
            else:
                _call("chown", "-R", "root", str(disk))
                _call("chmod", "-R", "a+rX", str(disk))
            ended = runner.run(copy, name)
            codes[ended.returncode] += 1
            problems = _problems_of(ended, copy, allowed=(7,))
            problems += ["a file changed"] if hashes(copy) != before else []
            _call("mount", "-o", "remount,rw", str(disk))
            problems += problems_of_next_run(copy, name)
            found += [f"{way}: {problem}" for problem in problems]
    return codes, found


def _problems_of(ended: subprocess.CompletedProcess[str], shop: Path, allowed: tuple[int, ...]) -> list[str]:
    lines = ended.stderr.splitlines()
    is_error = (
        len(lines) == 2
        and lines[0].startswith("error: ")
        and str(shop) in lines[0]
        and lines[1].startswith("hint: ")
    )
    if ended.returncode in allowed and (ended.returncode == 0 or is_error):
        return []
    return [f"exit code {ended.returncode}: {ended.stderr[-600:]!r}"]


def _call(*command: str) -> None:
    subprocess.run(command, check=True)


def main() -> None:
    """Run all commands, and print the counts."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--user", default="root", help="the user who runs the commands")
    parser.add_argument("--python", default=sys.executable, help="an interpreter that this user may start")
    parser.add_argument(
        "--command", choices=tuple(COMMANDS), action="append", help="repeatable; default: all"
    )
    given = parser.parse_args()
    total, failures = 0, 0
    with tempfile.TemporaryDirectory() as temporary, tempfile.TemporaryDirectory() as home:
        shutil.chown(home, given.user)
        runner, shop = Runner(given.user, given.python, home), make_shop(Path(temporary))
        for name in given.command or COMMANDS:
            for examine in (on_full_disks, not_writable):
                codes, found = examine(shop, name, runner)
                total, failures = total + codes.total(), failures + len(found)
                print(f"{name}, {examine.__name__}: codes {dict(codes)}, {len(found)} problems", flush=True)
                print(*(f"  {problem}" for problem in found), sep="\n", end="\n" if found else "", flush=True)
    print(f"{total} cases, {failures} problems")
    raise SystemExit(failures > 0)


if __name__ == "__main__":
    main()
