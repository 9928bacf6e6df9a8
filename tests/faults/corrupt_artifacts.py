"""Damage artifact files at random, run commands on them, and count what happens.

Run by hand: ``python -m tests.faults.corrupt_artifacts --cases 1200 --seed 11``. Each case damages one file of a copy of a
workspace, and runs one command that reads this kind of artifact, in a worker process. Allowed outcomes: exit code 4
with one error and one hint, or the output of the undamaged workspace, byte for byte.
"""

import argparse
import concurrent.futures
import json
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import polars as pl

from tests.in_process import als_here
from tests.shop import CONFIG, write_shop

SHOP = (
    CONFIG.replace("train: {factors: 8, iterations: 5}", "train: {budget: {time: 20s}}").replace(
        "  at: [5, 10]", "  at: [5, 10]\n  baselines: [popular, published]"
    )
    + "tune: {folds: 1, metric: ndcg@5, space: {factors: [4, 8], iterations: [2, 4]}, screen: {trials: 0}}\n"
)
SECONDS = 180
QUICK = ("--set", "train.factors=8", "--set", "train.iterations=5")
"""Without a search of `auto` in each trial."""
COMMANDS = {
    "train": ["train"],
    "recommend": ["recommend"],
    "evaluate": ["evaluate"],
    "run": ["run"],
    "tune": ["tune", "--no-ingest", "--trials", "5", *QUICK],
    "show model": ["show", "model"],
    "show user": ["show", "user", "u003"],
    "show item": ["show", "item", "i05"],
}
READERS = {
    "dataset": ("train", "recommend", "evaluate", "run", "tune", "show user", "show item"),
    "models": ("recommend", "evaluate", "run", "show model", "show user", "show item"),
    "choice": ("train", "evaluate", "run"),
    "evaluations": ("run", "evaluate"),
    "lists": ("run", "recommend"),
    "tune": ("tune",),
}
"""Commands that read each kind of artifact."""
GOOD = ("exit 4", "same output", "not changed")


@dataclass(frozen=True)
class Case:
    """One damaged file and one command."""

    number: int
    file: str
    damage: str
    command: str
    verify: str = "on"

    @property
    def kind(self) -> str:
        """The kind of artifact that the file belongs to."""
        return kind_of(self.file)

    @property
    def name(self) -> str:
        """Kind and name of the file."""
        return f"{self.kind}/{Path(self.file).name.split('-')[0]}"


def kind_of(file: str) -> str:
    """Return the kind of artifact of the path `file` in a shop."""
    parts = Path(file).parts
    return parts[1].removeprefix(".").removesuffix(".versions") if parts[0] == "work" else "lists"


def prepare(folder: Path) -> None:
    """Make a shop with two versions of all artifacts, lists and a study."""
    folder.mkdir(parents=True)
    write_shop(folder, SHOP)
    events = pl.read_csv(folder / "events.csv")
    events.head(1800).write_csv(folder / "events.csv")
    _run(folder, ["run"])
    events.write_csv(folder / "events.csv")
    _run(folder, ["run"])
    _run(folder, ["tune", "--trials", "3", *QUICK])


def damaged_files(folder: Path) -> list[str]:
    """Return the paths of all artifact files below `folder`, without empty files."""
    found = [*folder.glob("work/.*.versions/*/*"), *folder.glob(".lists.versions/**/*")]
    files = [path for path in (*found, folder / "work/tune/study.sqlite3") if path.is_file()]
    named = [str(path.relative_to(folder)) for path in files if path.stat().st_size]
    return sorted(name for name in named if kind_of(name) in READERS)


def _is_current(folder: Path, file: str) -> bool:
    """Return whether `file` is in a version that is published, or is the study."""
    path = folder / file
    links = [*folder.glob("work/*"), *folder.glob("lists*")]
    shown = {found.resolve() for link in links for found in (link.resolve(), *link.resolve().glob("*"))}
    return path.resolve() in shown


def flip(content: bytearray, rng: np.random.Generator, _: Path) -> bytearray:
    for place in rng.integers(0, 8 * len(content), rng.integers(1, 4)):
        content[place // 8] ^= 1 << (place % 8)
    return content


def truncate(content: bytearray, rng: np.random.Generator, _: Path) -> bytearray:
    return content[: rng.integers(0, len(content))]


def extend(content: bytearray, rng: np.random.Generator, _: Path) -> bytearray:
    return content + rng.bytes(int(rng.integers(1, 5000)))


def zero_page(content: bytearray, rng: np.random.Generator, _: Path) -> bytearray:
    size = int(rng.choice([512, 4096]))
    start = size * int(rng.integers(0, -(-len(content) // size)))
    end = min(start + size, len(content))
    content[start:end] = bytes(end - start)
    return content


def swap(content: bytearray, rng: np.random.Generator, path: Path) -> bytearray:
    """Return the content of this file in another version, or of another file."""
    others = [p for p in path.parent.parent.rglob(f"*{path.suffix}") if p != path and p.is_file()]
    same = [p for p in others if p.name == path.name and p.read_bytes() != content]
    chosen = same if same and rng.random() < 0.7 else others
    return bytearray(chosen[rng.integers(len(chosen))].read_bytes()) if chosen else flip(content, rng, path)


DAMAGES: dict[str, Callable[[bytearray, np.random.Generator, Path], bytearray]] = {
    "flip": flip,
    "truncate": truncate,
    "extend": extend,
    "zero page": zero_page,
    "swap": swap,
}


def cases(folder: Path, count: int, seed: int, verify: str = "on") -> list[Case]:
    """Return `count` random cases for the shop in `folder`.

    Each kind of artifact is equally frequent. Most files are of the published version, which commands read.
    """
    rng, files = np.random.default_rng(seed), damaged_files(folder)
    current = [file for file in files if _is_current(folder, file)]
    chosen = []
    for number in range(count):
        kind = list(READERS)[rng.integers(len(READERS))]
        of_kind = [file for file in (current if rng.random() < 0.9 else files) if kind_of(file) == kind]
        damage = list(DAMAGES)[rng.choice(len(DAMAGES), p=[0.5, 0.15, 0.1, 0.15, 0.1])]
        command = READERS[kind][rng.integers(len(READERS[kind]))]
        chosen.append(Case(number, of_kind[rng.integers(len(of_kind))], damage, command, verify))
    return chosen


def run_case(shop: Path, case: Case, seed: int) -> tuple[str, str]:
    """Return the outcome of `case` on a copy of `shop`: exit code and standard error, or the digest of the output."""
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / "shop"
        shutil.copytree(shop, copy, symlinks=True)
        path = copy / case.file
        before = path.read_bytes()
        damage = DAMAGES.get(case.damage)
        if damage is not None:
            rng = np.random.default_rng([seed, case.number])
            after = damage(bytearray(before), rng, path)
            if after == before:
                return "not changed", ""
            path.write_bytes(after)
        return _outcome(copy, case)


def _outcome(copy: Path, case: Case) -> tuple[str, str]:
    try:
        arguments = [*COMMANDS[case.command], "-c", copy / "shop.yaml", "--json", "--verify", case.verify]
        ended = als_here(*arguments)
    except BaseException as escaped:  # noqa: BLE001 - a panic of polars is no Exception
        return "traceback", repr(escaped)[:300]
    if ended.returncode == 0:
        return "done", _output(copy, case.command, ended.stdout)
    stderr = ended.stderr
    errors = [line for line in stderr.splitlines() if not line.startswith("warning")]
    one_line = sum(line.startswith("error: ") for line in errors) == 1 and "Traceback" not in stderr
    if ended.returncode == 4 and one_line and errors[-1].startswith("hint: "):
        return "exit 4", stderr
    return f"exit {ended.returncode}", stderr


def _output(copy: Path, command: str, stdout: str) -> str:
    """Return the bytes that `command` wrote, as text."""
    if command.startswith("show"):
        return stdout.replace(str(copy), "")
    if command == "tune":
        report = json.loads(stdout)
        trials = [(trial["state"], trial["value"], trial["parameters"]) for trial in report["trials"]]
        return repr(trials) + (copy / "work/tune/best.yaml").read_text().replace(str(copy), "")
    places = {"train": "work/models/*.arrow", "evaluate": "work/evaluations/[!.]*"}
    found = copy.glob(places.get(command, "lists/*"))
    files = sorted(path for path in found if path.name != "manifest.json")
    return repr([(path.name, path.read_bytes().hex()) for path in files])


def _run(folder: Path, arguments: list[str]) -> None:
    ended = als_here(*arguments, "-c", folder / "shop.yaml", "-q")
    assert ended.returncode == 0, ended.stderr


class Worker:
    """A process that runs cases one after another. It is replaced when it crashes or hangs."""

    def __init__(self, shop: Path, seed: int) -> None:
        self._shop, self._seed = shop, seed
        self._pool = self._new_pool()

    def run(self, case: Case) -> tuple[str, str]:
        """Return the outcome of `case`; `crash` if the process ended, `hang` if it took too long."""
        try:
            return self._pool.submit(run_case, self._shop, case, self._seed).result(SECONDS)
        except BrokenProcessPool:
            self._pool = self._new_pool()
            return "crash", ""
        except concurrent.futures.TimeoutError:
            for process in list(self._pool._processes.values()):
                process.kill()
            self._pool = self._new_pool()
            return "hang", ""

    def close(self) -> None:
        """End the process."""
        self._pool.shutdown()

    @staticmethod
    def _new_pool() -> ProcessPoolExecutor:
        return ProcessPoolExecutor(1, mp_context=get_context("spawn"))


def run_cases(shop: Path, wanted: list[Case], seed: int, workers: int) -> list[tuple[Case, str, str]]:
    """Return each case with its outcome and the message of the command."""
    team = [Worker(shop, seed) for _ in range(workers)]
    used = sorted({case.command for case in wanted})
    file = damaged_files(shop)[0]
    expected = {name: team[0].run(Case(-1, file, "none", name))[1] for name in used}

    def work(number: int) -> list[tuple[Case, str, str]]:
        found = []
        for case in wanted[number::workers]:
            outcome, text = team[number].run(case)
            if outcome == "done":
                outcome, text = ("same output" if text == expected[case.command] else "wrong output"), ""
            found.append((case, outcome, text))
        team[number].close()
        return found

    with ThreadPoolExecutor(workers) as threads:
        return [found for part in threads.map(work, range(workers)) for found in part]


def main() -> None:
    """Run random cases and print the number of outcomes per file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--verify", choices=["on", "off"], default="on")
    options = parser.parse_args()
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    with tempfile.TemporaryDirectory() as place:
        shop = Path(place) / "shop"
        prepare(shop)
        wanted = cases(shop, options.cases, options.seed, options.verify)
        found = run_cases(shop, wanted, options.seed, options.workers)
    bad = [entry for entry in found if entry[1] not in GOOD]
    for case, outcome, text in bad[:40]:
        print(outcome, case, text[:300].replace("\n", " | "))
    for count_by in ("name", "damage", "command"):
        counts = Counter((getattr(case, count_by), outcome) for case, outcome, _ in found)
        print(f"\n{count_by}")
        for (label, outcome), count in sorted(counts.items()):
            print(f"  {label:40} {outcome:14} {count}")
    print(f"\n{len(found)} cases, {len(bad)} bad")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
