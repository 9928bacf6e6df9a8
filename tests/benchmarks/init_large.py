"""Seconds and peak memory of `als init` on large files, compared with `als --version`, which reads nothing.

    python tests/benchmarks/init_large.py [--rows 30000000] [--rounds 5]

The events have the shape of clicks of a shop: ms, visitor, event, item, and a session of 32 characters. The peak is the
high-water mark of the process. CPU seconds depend less on other work of the machine.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import polars as pl

sys.path.insert(0, str(Path(__file__).resolve().parent))

import machine

_BLOCK = 5_000_000


def write_files(folder: Path, rows: int) -> None:
    """Write `rows` events as CSV, a tenth of them as NDJSON, and a block as Parquet with 500,000 rows per row group."""
    rng = np.random.default_rng(0)
    block = min(rows, _BLOCK)
    events = pl.DataFrame(
        {
            "timestamp": 1_700_000_000_000 + np.sort(rng.integers(0, 10**10, block)),
            "visitorid": rng.integers(0, 1_400_000, block),
            "event": np.array(["view", "addtocart", "transaction"])[
                rng.choice(3, block, p=[0.96, 0.03, 0.01])
            ],
            "itemid": rng.integers(0, 400_000, block),
            "session": [f"{n:032x}" for n in range(block)],
        }
    )
    with (folder / "events.csv").open("wb") as file:
        for number in range(rows // block):
            events.write_csv(file, include_header=number == 0)
    events.head(rows // 10).write_ndjson(folder / "events.ndjson")
    events.write_parquet(folder / "events.parquet", row_group_size=500_000)


def measured(*arguments: str) -> tuple[float, float, float]:
    """Return the seconds, the CPU seconds and the peak memory in MiB of a process `als`."""
    started = time.perf_counter()
    process = os.posix_spawn(sys.executable, [sys.executable, "-m", "als_cli", *arguments], os.environ)
    _, status, usage = os.wait4(process, 0)
    if status:
        raise SystemExit(f"als {' '.join(arguments)} failed")
    return time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=30_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print(machine.describe(os.cpu_count() or 1))
    with tempfile.TemporaryDirectory() as name:
        target = str(Path(name) / "als.yaml")
        commands = {"als --version": ["--version"]}
        # A child process would begin with the peak of a parent that has made the events.
        writer = get_context("spawn").Process(target=write_files, args=(Path(name), options.rows))
        writer.start()
        writer.join()
        for file in sorted(Path(name).glob("events.*")):
            size = file.stat().st_size / 1e6
            commands[f"{file.name}, {size:,.0f} MB"] = ["init", str(file), "--yes", "--force", "-o", target]
        runs = {what: [] for what in commands}
        for _ in range(options.rounds):
            for what, arguments in commands.items():
                runs[what].append(measured(*arguments))
        for what, found in runs.items():
            wall, cpu, peak = (statistics.median(column) for column in zip(*found, strict=True))
            low, high = min(run[1] for run in found), max(run[1] for run in found)
            print(f"{what}: {wall:.2f} s, CPU {cpu:.2f} s ({low:.2f}-{high:.2f}), peak {peak:.0f} MiB")


if __name__ == "__main__":
    main()
