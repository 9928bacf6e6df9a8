"""Commands whose writes fail, one after the other, and what readers and the next run find.

    python tests/faults/full_disk.py [--cases 60] [--command NAME]...

A command runs once under `strace`, which records all system calls that change the workspace or the outputs: files that
are opened for writing, written, cut or synced, and names that are created, renamed, linked or removed. The command then
runs again and again, and `strace` lets another of these calls fail each time, with the error of a full disk, a broken
disk, a read-only disk or a missing permission. The sample has `--cases` calls per command; 0 means all calls.

Afterwards every artifact and the lists must be an old or a new version, whole, with all hashes of their manifests. The
command must exit with code 7 and one error that names the place. Code 0 is allowed only where the removal of something
old failed, and for the study of `als tune`: SQLite and Optuna go on after some errors. The next `als run` must succeed and
leave nothing behind.
"""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.faults.kills import make_shop, problems_in  # noqa: E402 - the path is set first
from tests.in_process import als_here  # noqa: E402

COMMANDS: dict[str, tuple[str, ...]] = {
    "ingest": ("ingest",),
    "train": ("train",),
    "evaluate": ("evaluate",),
    "backtest": ("backtest", "--set", "evaluate.backtest.cut_offs=2"),
    "tune": ("tune", "--no-ingest", "--trials", "2", "--set", "tune.folds=1", "--output", "{shop}/best.yaml"),
    "recommend, folder": ("recommend",),
    "recommend, file": ("recommend", "--output", "{shop}/lists.parquet"),
    "recommend, new file": ("recommend", "--output", "{shop}/new/lists.csv"),
    "rollback": ("rollback",),
    "run": ("run", "--force"),
}
"""Names and arguments of the commands."""
DISK, NAMES = ("ENOSPC", "EIO"), ("ENOSPC", "EACCES", "EROFS", "EIO")
ERRORS = {
    **dict.fromkeys(
        ("write", "pwrite64", "writev", "ftruncate", "copy_file_range", "fsync", "fdatasync"), DISK
    ),
    **dict.fromkeys(("openat", "mkdir", "rename", "link", "symlink"), NAMES),
    **dict.fromkeys(("unlink", "unlinkat", "rmdir"), ("EACCES", "EROFS", "EIO")),
}
"""The errors that a call can have."""
SECONDS = 40
"""A command that takes longer hangs. A call that only wakes another thread can fail too: polars then waits for ever."""
STUDY = "/work/tune"
REMOVALS = ("unlink", "unlinkat", "rmdir")
_READ_ONLY = re.compile(r"^(?!.*O_CREAT).*O_RDONLY")
_LEFT = re.compile(r"\.staging-|\.link-|.*\.partial$")


@dataclass(frozen=True)
class Case:
    """A system call that fails: the `number`-th of its name in a thread, with `error`."""

    call: str
    number: int
    error: str

    def __str__(self) -> str:
        """Return the case in the form of strace."""
        return f"{self.call}:error={self.error}:when={self.number}"


@dataclass
class Outcome:
    """The calls of a command that failed, its exit codes, and what was wrong afterwards."""

    calls: int = 0
    left_out: int = 0
    codes: Counter[int] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


def changing_calls(shop: Path, name: str) -> list[tuple[str, int]]:
    """Return name and number of each call of the command `name` that changes something in `shop`."""
    ended, log = traced(shop, name, "")
    assert ended.returncode == 0, ended.stderr
    found: dict[tuple[str, int], None] = {}
    numbers: Counter[tuple[str, str]] = Counter()
    for line in log:
        called = re.match(r"(\d+)\s+(\w+)\((.*)", line)
        if called is None:
            continue  # the end of a call that was interrupted by another thread
        thread, call, arguments = called.groups()
        numbers[thread, call] += 1
        if f"{shop}/" in arguments and not (call == "openat" and _READ_ONLY.match(arguments)):
            found[call, numbers[thread, call]] = None
    return list(found)


def traced(shop: Path, name: str, case: Case | str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run the command `name` in `shop`, with the injection of `case`. Return the process and the calls."""
    traced_calls = case.call if isinstance(case, Case) else ",".join(ERRORS)
    inject = [f"--inject={case}"] if isinstance(case, Case) else []
    arguments = [part.replace("{shop}", str(shop)) for part in COMMANDS[name]]
    command = [sys.executable, "-m", "als_cli", *arguments, "-c", str(shop / "shop.yaml"), "-q"]
    with tempfile.NamedTemporaryFile("r", errors="replace") as log:
        tracing = [
            "strace",
            "-f",
            "-y",
            "-s",
            "0",
            "-o",
            log.name,
            f"--trace={traced_calls}",
            *inject,
        ]
        process = subprocess.Popen(
            [*tracing, *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            start_new_session=True,
            env=os.environ
            | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0", "POLARS_MAX_THREADS": "1"},
        )
        try:
            said = process.communicate(timeout=SECONDS if inject else None)
            ended = subprocess.CompletedProcess(command, process.returncode, *said)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            ended = subprocess.CompletedProcess(command, -1, "", "it did not end")
        return ended, log.read().splitlines()


def cases_of(calls: Sequence[tuple[str, int]], limit: int) -> list[Case]:
    """Return cases for `limit` calls spread over all `calls`; 0 means all. The errors take turns."""
    step = max(1.0, len(calls) / limit) if limit else 1.0
    chosen = [calls[int(at * step)] for at in range(int(len(calls) / step))]
    return [
        Case(call, number, ERRORS[call][position % len(ERRORS[call])])
        for position, (call, number) in enumerate(chosen)
    ]


def examine(shop: Path, name: str, limit: int) -> Outcome:
    """Let the calls of the command `name` fail, each in a fresh copy of `shop`."""
    outcome = Outcome()
    with tempfile.TemporaryDirectory() as temporary:
        calls = changing_calls(_copy(shop, Path(temporary)), name)
    outcome.calls = len(calls)
    for case in cases_of(calls, limit):
        with tempfile.TemporaryDirectory() as temporary:
            copy = _copy(shop, Path(temporary))
            ended, log = traced(copy, name, case)
            injected = [line for line in log if "(INJECTED)" in line]
            if not injected or not all(f"{copy}/" in line for line in injected):
                outcome.left_out += 1  # another call had this number in this run or in another thread
                continue
            outcome.codes[ended.returncode] += 1
            outcome.errors[case.error] += 1
            found = [
                *problems_of(ended, case, copy, injected[0]),
                *problems_in(copy),
                *problems_of_next_run(copy, name),
            ]
            where = injected[0].replace(str(copy), "")[:300]
            outcome.failures += [f"{case} ({where}): {problem}" for problem in found]
    return outcome


def problems_of(
    ended: subprocess.CompletedProcess[str], case: Case, shop: Path, where: str = ""
) -> list[str]:
    """Return what is wrong with the end of the command: its code or its message. The call that failed is `where`."""
    if ended.returncode == 0 and (case.call in REMOVALS or STUDY in where):
        return []
    lines = ended.stderr.splitlines()
    is_right = (
        ended.returncode == 7
        and len(lines) == 2
        and lines[0].startswith("error: ")
        and str(shop) in lines[0]
        and lines[1].startswith("hint: ")
    )
    return [] if is_right else [f"exit code {ended.returncode}: {ended.stderr[-600:]!r}"]


def problems_of_next_run(shop: Path, name: str) -> list[str]:
    """Run everything again, and the command `name`. Return what is wrong afterwards."""
    found = []
    for arguments in (("run", "--force"), COMMANDS[name]):
        command = [part.replace("{shop}", str(shop)) for part in arguments]
        again = als_here(*command, "-c", shop / "shop.yaml")
        found += [f"the next {command[0]}: {again.stderr}"] if again.returncode else []
    return [*found, *problems_in(shop), *(f"left: {name}" for name in left_in(shop))]


def left_in(shop: Path) -> list[str]:
    """Return the names of what runs that failed have left in `shop`."""
    return [str(path.relative_to(shop)) for path in shop.rglob(".*") if _LEFT.match(path.name)]


def _copy(shop: Path, folder: Path) -> Path:
    return Path(shutil.copytree(shop, folder / "shop", symlinks=True))


def main() -> None:
    """Let the calls of all commands fail, and print the counts."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cases", type=int, default=60, help="calls per command; 0: all")
    parser.add_argument(
        "--command", choices=tuple(COMMANDS), action="append", help="repeatable; default: all"
    )
    given = parser.parse_args()
    total, failures = 0, 0
    with tempfile.TemporaryDirectory() as temporary:
        shop = make_shop(Path(temporary))
        for name in given.command or COMMANDS:
            found = examine(shop, name, given.cases)
            cases = sum(found.codes.values())
            total, failures = total + cases, failures + len(found.failures)
            print(
                f"{name}: {cases} of {found.calls} calls failed, {found.left_out} were not reached, codes {dict(found.codes)}, "
                f"{dict(found.errors)}, {len(found.failures)} problems",
                *found.failures,
                sep="\n  ",
                flush=True,
            )
    print(f"{total} cases, {failures} problems")
    raise SystemExit(failures > 0)


if __name__ == "__main__":
    main()
