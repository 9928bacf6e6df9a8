"""Fuzzer of configs, conditions, event files and artifacts: only documented errors leave, without a crash or a hang.

    python tests/faults/fuzz.py --inputs N --seed S

Each input depends on the seed and its number only; ``--first NUMBER --inputs 1`` runs it again. The inputs run in a
worker process. A crash or an input that takes too long ends the worker, and a new worker continues after the input.
"""

import argparse
import contextlib
import faulthandler
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

sys.path.insert(0, str(Path(__file__).parents[2]))

from als_cli.config.events import EventsConfig
from als_cli.config.loading import load_config
from als_cli.errors import AlsError
from als_cli.tables.conditions import mark
from als_cli.tables.scan import reading
from tests.faults.fuzz_artifacts import Artifacts
from tests.faults.fuzz_event_files import COLUMNS, EVENT_FILES, event_file, table_of_events
from tests.faults.fuzz_inputs import condition, config_text, setting

SECONDS_PER_INPUT = 20
ARTIFACTS = ("manifest", "model", "dataset")
MAXIMUM_MEMORY = 2 << 30
"""Peak resident memory of a worker in bytes. Without a hostile input it needs about 200 MiB."""
CODES = {"setting": (2,), "config": (2,), "where": (2, 3)} | dict.fromkeys(ARTIFACTS, (4,))
"""The exit codes that an input of a target may have. Event files may have 2, 3 and 7."""
TARGETS = ("setting", "config", "where", *EVENT_FILES, *ARTIFACTS)
INPUTS_PER_WORKER = 5000
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""Folder for the files of the inputs. Writing and removing files on a disk would take more time than reading them."""
_CLOCK = datetime(2026, 1, 1, tzinfo=UTC)


def run_input(seed: int, number: int, folder: Path, targets: tuple[str, ...] = TARGETS) -> str:
    """Run input `number`. Return its target and its outcome: ok, or the exit code of the error.

    Raises
    ------
    AssertionError
        The error has another exit code, more than one line, or no hint.
    """
    rng = random.Random(f"{seed}/{number}")
    target = targets[number % len(targets)]
    try:
        if target == "setting":
            load_config(None, ["events.source=a.csv", setting(rng)], environment={})
        elif target == "config":
            file = folder / "fuzz.yaml"
            file.write_bytes(config_text(rng))
            load_config(file, environment={})
        elif target == "where":
            mark_rows(condition(rng), typed=rng.random() < 0.5)
        elif target in ARTIFACTS:
            artifacts_in(folder).run(target, rng)
        else:
            read_events(target, event_file(target, rng), event_keys(rng), folder)
    except AlsError as expected:
        return f"{target} {checked_code(expected, target)}"
    return f"{target} ok"


def checked_code(error: AlsError, target: str) -> int:
    """Return the exit code of `error`, after a check of the code, the message and the hint."""
    code = int(error.exit_code)
    assert code in CODES.get(target, (2, 3, 7)), f"exit code {code}: {error.message}"
    for text in (error.message, error.hint or "", *error.problems):
        assert len(text.splitlines()) <= 1, f"several lines: {text}"
    assert error.hint or error.problems, f"no hint: {error.message}"
    return code


def mark_rows(where: str, *, typed: bool) -> None:
    """Apply the condition `where` to a small table, whose columns are text unless it is `typed`."""
    frame = table_of_events()
    frame = frame if typed else frame.cast(pl.String)
    marked = mark(frame.lazy(), where, "kept", key="events.where", file="a.csv")
    with reading("a.csv"):
        marked.collect()


@cache
def artifacts_in(folder: Path) -> Artifacts:
    """Return a dataset and a model in `folder`, which are made once."""
    place = folder / "artifacts"
    place.mkdir()
    return Artifacts(place)


def event_keys(rng: random.Random) -> dict[str, Any]:
    """Return keys of section `events` that change how a file is read."""
    keys: dict[str, Any] = {
        "columns": {
            role: name for role, name in COLUMNS.items() if rng.random() < 0.8 or role in ("user", "item")
        }
    }
    options: dict[str, list[Any]] = {
        "duplicates": ["sum", "exact", "max"],
        "value_transform": ["linear", "log1p"],
        "negative": ["subtract", "drop", "reject"],
        "id_types": [{"user": "int"}, {"item": "string"}],
        "where": [
            "n > 1",
            "cast(n as int) > 1",
            "kind = 'view'",
            "user_id is not null and length(item_id) > 1",
        ],
        "timestamp_format": ["s", "ns", "iso", "%Y-%m-%d", "%d/%m/%Y"],
        "max_bad_fraction": [1.0],
        "encoding": ["latin-1", "utf-16", "cp1252"],
        "separator": [";", "tab"],
        "header": [False],
    }
    for key, values in options.items():
        if rng.random() < 0.1:
            keys[key] = rng.choice(values)
    return keys


def read_events(kind: str, content: bytes, keys: dict[str, Any], folder: Path) -> None:
    """Write `content` to a file in `folder`, and read it like `als ingest` with `keys` of section `events`."""
    from als_cli.dataset.aggregation import aggregate
    from als_cli.events.cleaning import write_clean_events
    from als_cli.events.probe import probe
    from als_cli.events.sources import find_sources

    file = folder / f"events.{kind}"
    file.write_bytes(content)
    with tempfile.TemporaryDirectory(dir=folder) as name:
        spool = Path(name)
        config = EventsConfig.model_validate({"source": str(file), **keys})
        probed = [probe(one, config, _CLOCK) for one in find_sources(config, sys.stdin.buffer, spool)]
        clean, rejected = spool / "clean.parquet", spool / "rejected.parquet"
        write_clean_events(probed, config, _CLOCK, clean=clean, rejected=rejected, spool=spool)
        aggregate(pl.scan_parquet(clean, glob=False), config)


def work(seed: int, numbers: range, targets: tuple[str, ...], progress: Path) -> Counter[str]:
    """Run the inputs `numbers`, and return the number of inputs per outcome. `progress` gets the current number."""
    outcomes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        progress.write_text(str(numbers.start))
        if set(targets) & set(ARTIFACTS):
            artifacts_in(
                Path(name)
            ).use_both()  # compiles the kernels, which can take longer than an input may
        for number in numbers:
            progress.write_text(str(number))
            faulthandler.dump_traceback_later(SECONDS_PER_INPUT, exit=True)
            try:
                outcomes[run_input(seed, number, Path(name), targets)] += 1
            except BaseException as escaped:  # noqa: BLE001 - the fuzzer looks for all of them
                frames = traceback.extract_tb(escaped.__traceback__)
                place = next((one for one in reversed(frames) if "als_cli" in one.filename), frames[-1])
                said = " ".join(str(escaped).split())[:200]
                outcomes["ESCAPED"] += 1
                print(
                    f"input {number}: {type(escaped).__name__}: {said} ({place.filename}:{place.lineno})",
                    flush=True,
                )
            faulthandler.cancel_dump_traceback_later()
            if peak_bytes() > MAXIMUM_MEMORY:
                raise MemoryError(f"input {number} took more than {MAXIMUM_MEMORY >> 20} MiB")
    return outcomes


def peak_bytes() -> int:
    """Return the peak resident memory of this process in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@contextlib.contextmanager
def without_stderr() -> Iterator[None]:
    """Discard what native code writes on stderr: polars reports its panics there."""
    saved = os.dup(2)
    with Path(os.devnull).open("wb") as null:
        os.dup2(null.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument(
        "--minutes", type=float, default=float("inf"), help="begin no new worker after this time"
    )
    parser.add_argument("--target", choices=TARGETS, action="append", help="repeatable; default: all in turn")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    numbers = range(given.first, given.first + given.inputs)
    if given.worker:
        with without_stderr():
            outcomes = work(given.seed, numbers, tuple(given.target or TARGETS), given.worker)
        given.worker.write_text(json.dumps(outcomes))
        return
    started = time.perf_counter()
    outcomes, failures = supervise(
        given.seed,
        numbers,
        [f"--target={target}" for target in given.target or ()],
        started + given.minutes * 60,
    )
    for outcome, count in sorted(outcomes.items()):
        print(f"{outcome}: {count:,}")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
    print(
        f"{outcomes.total():,} inputs, {failures} failures, {time.perf_counter() - started:.0f} s, "
        f"peak memory {peak} MiB"
    )
    raise SystemExit(failures > 0)


def supervise(seed: int, numbers: range, targets: list[str], deadline: float) -> tuple[Counter[str], int]:
    """Run the inputs `numbers` in workers, print all failures, and return the outcomes and the number of failures.

    No worker begins after `deadline`, a time of `time.perf_counter`.

    If a worker ends, its input runs again alone. Only then is it a failure of this input: panics of polars in earlier
    inputs can stop the threads that polars uses for later ones.
    """
    outcomes: Counter[str] = Counter()
    failures = 0
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        progress = Path(name, "number")
        while numbers and time.perf_counter() < deadline:
            part = numbers[:INPUTS_PER_WORKER]
            ended = _worker(seed, part, targets, progress)
            if ended == 0:
                outcomes.update(json.loads(progress.read_bytes()))
                numbers = numbers[len(part) :]
                continue
            number = int(progress.read_text())
            outcomes["not counted: before an end of a worker"] += number - part.start
            alone = _worker(seed, range(number, number + 1), targets, progress)
            failures += alone != 0
            print(f"input {number}: the worker ended with {ended}, alone with {alone}", flush=True)
            numbers = range(number + 1, numbers.stop)
    return outcomes, failures + outcomes["ESCAPED"]


def _worker(seed: int, numbers: range, targets: list[str], progress: Path) -> int:
    """Run the inputs `numbers` in a new process, and return its exit code. `progress` then has the outcomes."""
    options = [f"--seed={seed}", f"--first={numbers.start}", f"--inputs={len(numbers)}"]
    ended = subprocess.run(
        [sys.executable, __file__, *options, *targets, "--worker", str(progress)],
        env=os.environ | {"POLARS_MAX_THREADS": "1"},
        check=False,
    )
    return ended.returncode


if __name__ == "__main__":
    main()
