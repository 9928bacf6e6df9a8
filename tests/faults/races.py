"""Races of two runs of `als recommend` that publish to one output. Run by hand: ``python -m tests.faults.races``.

Two processes start a run at the same time, again and again. Both write to one output, from one workspace or from two.
After each race the output must have the whole lists of one run that succeeded, and no unfinished file.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import polars as pl

from tests.in_process import als_here, done
from tests.shop import write_shop

ROOT = Path(__file__).parents[2]
RACER = """
import json, sys
from tests.in_process import als_here
for line in sys.stdin:
    ended = als_here(*json.loads(line))
    print(json.dumps([ended.returncode, ended.stderr]), flush=True)
"""
SCENARIOS = {
    f"{workspaces}, {kind}": (workspaces, name)
    for workspaces in ("one workspace", "two workspaces")
    for kind, name in (("folder", "lists"), ("file", "lists.parquet"))
}
LENGTHS = (4, 5)
"""The length of the lists of each of the two runs. So the lists show which run wrote them."""
VERSIONS_KEPT = 5
WAITING = ("--wait", "5m")


class Races:
    """Two processes that run commands, and the workspaces that they use.

    Parameters
    ----------
    folder
        An empty folder for the workspaces and the outputs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = write_shop(folder)
        self.alone: dict[tuple[str, int], dict[str, str]] = {}
        for workspace in ("first", "second"):
            set_ = (
                "--set",
                f"workspace={folder / workspace}",
                "--set",
                f"recommend.output.path={folder}/alone",
            )
            done("run", "-c", self.config, *set_, "--set", f"train.seed={len(workspace)}")
        self.racers = [
            subprocess.Popen(
                [sys.executable, "-c", RACER],
                cwd=ROOT,
                text=True,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            for _ in LENGTHS
        ]

    def close(self) -> None:
        for racer in self.racers:
            racer.communicate()

    def commands(self, scenario: str, output: Path) -> list[list[str]]:
        """Return the arguments of the two runs."""
        workspaces = ("first", "second" if SCENARIOS[scenario][0] == "two workspaces" else "first")
        part = ("--set", "recommend.output.users_per_part=25")
        return [
            [
                "recommend",
                "-c",
                str(self.config),
                "--set",
                f"workspace={self.folder / workspace}",
                *part,
                "-n",
                str(length),
                "-o",
                str(output),
            ]
            for workspace, length in zip(workspaces, LENGTHS, strict=True)
        ]

    def race(self, scenario: str, options: tuple[str, ...] = ()) -> tuple[int, ...]:
        """Return the exit codes of two runs at once. Raise an AssertionError if the output is not that of one run."""
        output = self.folder / f"of {scenario}" / SCENARIOS[scenario][1]
        commands = self.commands(scenario, output)
        whole = [self.lists_alone(command, output) for command in commands]
        for racer, command in zip(self.racers, commands, strict=True):
            racer.stdin.write(json.dumps([*command, *options]) + "\n")
            racer.stdin.flush()
        ended = [json.loads(racer.stdout.readline()) for racer in self.racers]
        codes = tuple(code for code, _ in ended)
        assert set(codes) <= {0, 6}, ended
        assert 0 in codes, ended
        assert all("another run is using" in said for code, said in ended if code == 6), ended
        winners = [lists for lists, code in zip(whole, codes, strict=True) if code == 0]
        assert published(output) in winners, (codes, published(output), whole)
        assert left_over(output) == []
        return codes

    def lists_alone(self, command: list[str], output: Path) -> dict[str, str]:
        """Return the files that the run `command` publishes when no other run disturbs it."""
        key = (command[4] + output.name, int(command[8]))
        if key not in self.alone:
            ended = als_here(*command)
            assert ended.returncode == 0, ended.stderr
            self.alone[key] = published(output)
        return self.alone[key]


def published(output: Path) -> dict[str, str]:
    """Return the hash of each published file: the lists, the shortfall and, from the manifest, its key."""
    files = sorted(output.iterdir()) if output.is_dir() else [output]
    manifest = json.loads(output.with_name(f"{output.name}.manifest.json").read_bytes())
    shortfall = output.with_name(f"{output.name}.shortfall.parquet")
    hashes = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in (*files, shortfall)}
    named = {Path(one["path"]).name: one["sha256"] for one in manifest["outputs"]}
    assert named == hashes
    users = pl.concat([pl.read_parquet(file) for file in files])["user_id"].n_unique()
    assert users == manifest["counts"]["users"]
    return hashes | {"key": manifest["key"]}


def left_over(output: Path) -> list[str]:
    """Return the names of unfinished files beside `output`, and of versions beyond those that are kept."""
    versions = output.with_name(f".{output.name}.versions")
    expected = {output.name, f"{output.name}.manifest.json", f"{output.name}.shortfall.parquet"}
    expected |= {versions.name, f".{output.name}.lock"}
    beside = {path.name for path in output.parent.iterdir()} - expected
    kept = sorted(path.name for path in versions.iterdir())
    return [*sorted(beside), *(name for name in kept if name.startswith(".")), *kept[VERSIONS_KEPT:]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--races", type=int, default=50, help="races of each scenario, with and without --wait"
    )
    wanted = parser.parse_args().races
    with tempfile.TemporaryDirectory() as folder:
        races = Races(Path(folder))
        for scenario in SCENARIOS:
            for options in ((), WAITING):
                started = time.monotonic()
                codes = Counter(races.race(scenario, options) for _ in range(wanted))
                seconds = time.monotonic() - started
                print(f"{scenario} {' '.join(options)}: {dict(codes)} in {seconds:.0f} s", flush=True)
        races.close()


if __name__ == "__main__":
    main()
