"""The cost of checksums and structural checks when artifacts are read.

    python tests/benchmarks/verification.py [--users 140000] [--pairs-per-user 145] [--factors 192] [--rounds 7]
        [--command-rounds 3]

A dataset and a model of random numbers are published in a temporary folder. First, the parts are timed in one process:
SHA-256, the CRC-32 that als verifies, and opening with all checks, without checksums, and without any check. Then whole
commands run in new processes with `--verify on` and `--verify off`, alternately. Their figure is the CPU time (user and
system), which depends less on other work of the machine than the wall time. Files are in the page cache.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import machine
import numpy as np
import polars as pl
from scipy.sparse import csr_matrix

from als_cli.als.engine import Factors
from als_cli.als.threads import available_threads
from als_cli.config.train import TrainConfig
from als_cli.dataset.interactions import Interactions
from als_cli.storage import artifact_files, dataset_files, model_files
from als_cli.storage.checksums import file_crc32, verification
from als_cli.storage.dataset_files import EVENTS, open_dataset, write_interactions
from als_cli.storage.manifest import file_sha256, write_manifest
from als_cli.storage.model_files import open_model, write_model
from als_cli.storage.publish import staged_folder
from als_cli.tuning.parameters import recipe_for

ITEMS = 27_000
NEWEST = datetime(2026, 1, 1, tzinfo=UTC)
DEMAND = {"half_life": "30d", "exponent": 0.5}
CONFIG = """
workspace: work
events: {source: events.csv}
train: {factors: 64, iterations: 4}
recommend: {top_n: 20, output: {path: lists}}
"""
COMMANDS = (
    ["show", "model"],
    ["show", "item", "000000017"],
    ["show", "user", "000000017"],
    ["recommend"],
    ["train"],
)
"""`train` is last, because it replaces the model."""


def publish(folder: Path, users: int, each: int, factors: int) -> None:
    """Publish a dataset of `users` with `each` pairs, and a model, in ``work`` below `folder`."""
    rng = np.random.default_rng(7)
    # Sorted indices without duplicates: a random start and random steps.
    steps = rng.integers(1, (ITEMS - 1) // each, (users, each), dtype=np.int32)
    indices = np.cumsum(steps, axis=1, dtype=np.int32).reshape(-1)
    indptr = np.arange(users + 1, dtype=np.int64) * each
    shape, pairs = (users, ITEMS), users * each
    strength = csr_matrix((rng.random(pairs, np.float32) + 0.1, indices, indptr), shape=shape)
    times = csr_matrix((rng.integers(int(1.70e15), int(1.76e15), pairs), indices, indptr), shape=shape)
    interactions = Interactions(_side("user_id", users), _side("item_id", ITEMS), strength, NEWEST, times)
    with staged_folder(folder / "work/dataset") as staging:
        write_interactions(staging, interactions)
        _events(interactions).write_parquet(staging / EVENTS)
        write_manifest(staging, kind="dataset", key="k", config={})
    trained = Factors(*(rng.random((rows, factors), np.float32) for rows in shape))
    config = TrainConfig.model_validate({"factors": factors, "iterations": 1, "demand": DEMAND})
    recipe = recipe_for(strength, config, 1).to_json()
    with staged_folder(folder / "work/models") as staging:
        write_model(staging, interactions.users, interactions.items, trained)
        write_manifest(staging, kind="model", key="k", config={}, metrics={"recipe": recipe, "loss": [1.0]})
    (folder / "shop.yaml").write_text(CONFIG, encoding="utf-8")


def _side(name: str, rows: int) -> pl.DataFrame:
    counts = pl.Series(np.ones(rows), dtype=pl.UInt32)
    times = pl.Series([NEWEST] * rows, dtype=pl.Datetime("us", "UTC"))
    ids = [f"{row:09d}" for row in range(rows)]
    return pl.DataFrame(
        {name: ids, "interactions": counts, "events": counts, "first_time": times, "last_time": times}
    )


def _events(interactions: Interactions) -> pl.DataFrame:
    """Return one event per pair, as `als ingest` stores them."""
    matrix, times = interactions.matrix, interactions.times
    assert times is not None
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    return pl.DataFrame(
        {
            "user_id": interactions.user_ids.gather(rows),
            "item_id": interactions.item_ids.gather(matrix.indices),
            "timestamp": pl.Series(times.data).cast(pl.Datetime("us", "UTC")),
            "weight": matrix.data.astype(np.float64),
            "value": np.ones(matrix.nnz),
        }
    )


def time_parts(folder: Path, rounds: int) -> None:
    """Print the time of each part of the verification."""

    def show(label: str, work: Callable[[], object]) -> None:
        values = []
        for _ in range(rounds):
            artifact_files._VERIFIED.clear()
            values.append(machine.seconds_of(work))
        print(f"{label:40} {machine.middle(values)}")

    for name, opened in (("dataset", open_dataset), ("models", open_model)):
        place = folder / "work" / name
        files = [path for path in place.iterdir() if path.is_file()]
        print(f"\n{name}: {sum(path.stat().st_size for path in files) / 2**20:.0f} MiB")
        show("SHA-256", lambda files=files: [file_sha256(path) for path in files])
        show("CRC-32", lambda files=files: [file_crc32(path) for path in files])
        show("open, all checks", lambda opened=opened, place=place: opened(place))
        with verification(enabled=False):
            show("open, without checksums", lambda opened=opened, place=place: opened(place))
            with _unchecked():
                show("open, without any check", lambda opened=opened, place=place: opened(place))


class _unchecked:  # noqa: N801 - used like a function
    """Replace the structural checks by nothing inside the block."""

    NAMES = (
        *(
            (dataset_files, name)
            for name in ("check_row_starts", "check_columns", "check_strengths", "check_times")
        ),
        *((model_files, name) for name in ("check_factors", "check_ids", "check_types")),
        (dataset_files, "read_id_table"),
    )

    def __enter__(self) -> None:
        self._before = [getattr(module, name) for module, name in self.NAMES]
        for module, name in self.NAMES:
            setattr(module, name, lambda *_: None)
        setattr(dataset_files, "read_id_table", lambda path, *_: pl.read_parquet(path))  # noqa: B010 - a name of another module

    def __exit__(self, *_: object) -> None:
        for (module, name), before in zip(self.NAMES, self._before, strict=True):
            setattr(module, name, before)


def time_commands(folder: Path, rounds: int) -> None:
    """Print the CPU time of commands with and without checksums."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    print("\nCPU time and wall time of commands")
    for command in COMMANDS:
        values: dict[str, list[float]] = {"on": [], "off": []}
        walls: dict[str, list[float]] = {"on": [], "off": []}
        for _ in range(rounds):
            for switch, found in values.items():
                before, started = _cpu_seconds(), time.perf_counter()
                arguments = [*command, "-c", str(folder / "shop.yaml"), "-q", "--verify", switch]
                subprocess.run(
                    [sys.executable, "-m", "als_cli", *arguments],
                    check=True, capture_output=True, env=environment,
                )  # fmt: skip
                found.append(_cpu_seconds() - before)
                walls[switch].append(time.perf_counter() - started)
        for switch, found in values.items():
            print(
                f"{' '.join(command):32} --verify {switch:4} CPU {machine.middle(found)} "
                f"wall {machine.middle(walls[switch])}"
            )


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=140_000)
    parser.add_argument("--pairs-per-user", type=int, default=145)
    parser.add_argument("--factors", type=int, default=192)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--command-rounds", type=int, default=3)
    options = parser.parse_args()
    print(machine.describe(available_threads()))
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        publish(folder, options.users, options.pairs_per_user, options.factors)
        time_parts(folder, options.rounds)
        time_commands(folder, options.command_rounds)


if __name__ == "__main__":
    main()
