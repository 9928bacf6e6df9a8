"""Commands that are killed at given moments inside their stage, and what readers and the next run find.

    python tests/faults/kills.py [--moments 25]

A command runs once to the end, while the audit events of its stage are counted: files that are opened, and names that are
created, renamed, linked or removed. It then runs again and again, each time killed with SIGKILL at another event. All
events lie between the call of the stage and its return.

After each kill, every artifact and the lists must be the old version or a new one, whole, with all hashes of their
manifests. The next `als run` must succeed and leave nothing of the killed run behind.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from als_cli.storage.manifest import Manifest, file_sha256  # noqa: E402 - the path is set first
from tests.in_process import als_here  # noqa: E402
from tests.shop import write_shop  # noqa: E402

COMMANDS: dict[str, tuple[str, ...]] = {
    "ingest": ("ingest",),
    "train": ("train",),
    "evaluate": ("evaluate",),
    "backtest": ("backtest", "--set", "evaluate.backtest.cut_offs=2"),
    "recommend, folder": ("recommend",),
    "recommend, file": ("recommend", "--output", "{shop}/lists.parquet"),
    "rollback, folder": ("rollback",),
    "rollback, file": ("rollback", "--output", "{shop}/lists.parquet"),
    "run, folder": ("run", "--force"),
}
"""Names and arguments of the commands."""
CHILD = """
import importlib, os, sys

EVENTS = {"open", "os.rename", "os.link", "os.symlink", "os.remove", "os.mkdir", "os.rmdir", "shutil.rmtree"}
number, counts, inside = int(sys.argv[1]), 0, False

def count(event, _arguments):
    global counts
    if inside and event in EVENTS:
        counts += 1
        if counts == number:
            os.kill(os.getpid(), 9)

def wrapped(*arguments, **options):
    global inside
    inside = True
    try:
        return stage(*arguments, **options)
    finally:
        inside = False
        print(f"events: {counts}", file=sys.stderr)

name = sys.argv[2]
module = importlib.import_module(f"als_cli.stages.{name}")
stage = getattr(module, name)
setattr(module, name, wrapped)
sys.addaudithook(count)
sys.argv = ["als", *sys.argv[2:]]
from als_cli.cli import main
main()
"""


@dataclass
class Outcome:
    """The moments at which a command was killed, and what was wrong afterwards."""

    events: int = 0
    kills: int = 0
    published: Counter[str] = field(default_factory=Counter)
    """How often the old and a new version was published after a kill."""
    failures: list[str] = field(default_factory=list)


def make_shop(folder: Path) -> Path:
    """Return a finished shop in `folder` with two versions of its lists, in a folder and in a file."""
    config = write_shop(folder)
    for top_n in ("3", "5"):
        for output in (folder / "lists", folder / "lists.parquet"):
            ended = als_here(
                "run",
                "-c",
                config,
                "--set",
                f"recommend.top_n={top_n}",
                "--set",
                f"recommend.output.path={output}",
            )
            assert ended.returncode == 0, ended.stderr
    return folder


def examine(shop: Path, name: str, moments: int) -> Outcome:
    """Kill the command `name` at `moments` moments, each in a fresh copy of `shop`."""
    outcome = Outcome()
    for _ in range(2):  # the first run also opens modules that are compiled then
        with tempfile.TemporaryDirectory() as temporary:
            ended = _run(_copy(shop, Path(temporary)), name, 0)
            assert ended.returncode == 0, ended.stderr
            outcome.events = int(re.findall(r"events: (\d+)", ended.stderr)[-1])
    for number in sorted({1 + step * outcome.events // moments for step in range(moments)}):
        with tempfile.TemporaryDirectory() as temporary:
            copy = _copy(shop, Path(temporary))
            before = _manifests(copy)
            ended = _run(copy, name, number)
            if ended.returncode != -9:
                continue  # another number of events in this run
            outcome.kills += 1
            found = problems_in(copy)
            outcome.published["old" if _manifests(copy) == before else "new"] += 1
            again = als_here("run", "-c", copy / "shop.yaml", "--force")
            if again.returncode:
                found.append(f"the next run: {again.stderr}")
            found += problems_in(copy)
            left = [path.name for path in copy.rglob(".*") if re.match(r"\.staging-|\.link-", path.name)]
            # Other outputs are cleaned up by the next command that publishes there.
            found += [f"left: {left}"] if left and "file" not in name and name != "backtest" else []
            outcome.failures += [
                f"killed at event {number} of {outcome.events}: {problem}" for problem in found
            ]
    return outcome


def _copy(shop: Path, folder: Path) -> Path:
    return Path(shutil.copytree(shop, folder / "shop", symlinks=True))


def _run(shop: Path, name: str, number: int) -> subprocess.CompletedProcess[str]:
    stage, *options = [part.replace("{shop}", str(shop)) for part in COMMANDS[name]]
    return subprocess.run(
        [sys.executable, "-c", CHILD, str(number), stage, "-c", str(shop / "shop.yaml"), *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def _manifests(shop: Path) -> dict[str, bytes]:
    places = [*shop.glob("work/*/manifest.json"), *shop.glob("*.manifest.json")]
    return {str(path.relative_to(shop)): path.read_bytes() for path in places}


def problems_in(shop: Path) -> list[str]:
    """Return what is wrong with what readers see: a hash that differs, or a file that is missing."""
    found = []
    for name, content in _manifests(shop).items():
        folder = (shop / name).parent
        for output in Manifest.model_validate_json(content).outputs:
            path = folder / output.path
            if not path.exists():
                found.append(f"{path.relative_to(shop)} is missing")
            elif file_sha256(path) != output.sha256 and "lists.parquet" not in name:
                # The manifest beside a single file may be ahead of it. It is then not believed.
                found.append(f"{path.relative_to(shop)} differs from {name}")
    return found


def main() -> None:
    """Kill all commands, and print the counts."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--moments", type=int, default=25, help="moments per command")
    moments, kills, failures = parser.parse_args().moments, 0, 0
    with tempfile.TemporaryDirectory() as temporary:
        shop = make_shop(Path(temporary))
        for name in COMMANDS:
            found = examine(shop, name, moments)
            kills, failures = kills + found.kills, failures + len(found.failures)
            print(
                f"{name}: {found.kills} kills in {found.events} events, {dict(found.published)}, "
                f"{len(found.failures)} failures",
                *found.failures[:4],
                sep="\n  ",
                flush=True,
            )
    print(f"{kills} kills, {failures} failures")


if __name__ == "__main__":
    main()
