"""Seconds and memory of the whole command `als compare`, beside a bare join of the same two files in polars.

    python tests/benchmarks/compare_lists.py [--users 138000] [--rounds 3] [--text]

The lists are synthetic: 20 of 30 items per user, in random order, so that about half of the items are in both lists.
`--text` makes the ids text. The commands take turns. Each is a whole process, with start-up.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import machine
import numpy as np
import polars as pl

from als_cli.als.threads import available_threads

TOP_N, POOL, ITEMS, BLOCK = 20, 30, 20_000, 4096
PEAK = (
    "from als_cli.storage.manifest import peak_memory_bytes; print(peak_memory_bytes() // 10**6, flush=True)"
)
COMPARE = f"""
import sys
from als_cli.cli import main
sys.argv = ["als", "compare", "-c", "shop.yaml", "old.parquet", "new.parquet", "--json", "--log-file", "log"]
try:
    main()
finally:
    {PEAK}
"""
JOIN = f"""
import polars as pl
old, new = pl.read_parquet("old.parquet"), pl.read_parquet("new.parquet")
old.join(new, on=["user_id", "item_id"])
{PEAK}
"""


def lists(users: int, seed: int, *, text: bool) -> pl.DataFrame:
    """Return the rows of synthetic lists of `users` users."""
    rng = np.random.default_rng(seed)
    chosen = np.argsort(rng.random((users, POOL), np.float32), axis=1)[:, :TOP_N]
    items = (np.arange(users)[:, None] * 7 + chosen) % ITEMS
    rows = pl.DataFrame(
        {
            "user_id": np.repeat(np.arange(users), TOP_N),
            "rank": pl.Series(np.tile(np.arange(1, TOP_N + 1), users), dtype=pl.Int32),
            "item_id": items.ravel(),
            "score": rng.random(users * TOP_N, np.float32),
            "source": ["als"] * (users * TOP_N),
        }
    )
    if not text:
        return rows
    padded = pl.col("user_id").cast(pl.String).str.zfill(9)
    return rows.with_columns(("u" + padded).alias("user_id"), pl.format("i{}", "item_id").alias("item_id"))


def timed(code: str, folder: Path) -> tuple[float, int]:
    """Return seconds and peak memory in MB of a process that runs `code`."""
    started = time.perf_counter()
    root = str(Path(__file__).resolve().parents[2])
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env={"PYTHONPATH": root}, capture_output=True, check=True
    )
    return time.perf_counter() - started, int(ended.stdout.split()[-1])


def main() -> None:
    """Print median, minimum and maximum of both."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--users", type=int, default=138_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--text", action="store_true")
    given = parser.parse_args()
    print(machine.describe(available_threads()))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for seed, side in enumerate(("old", "new")):
            rows = lists(given.users, seed, text=given.text)
            rows.write_parquet(folder / f"{side}.parquet", row_group_size=BLOCK * TOP_N)
        (folder / "shop.yaml").write_text("events: {source: none.csv}\nworkspace: work\n", encoding="utf-8")
        found: dict[str, list[tuple[float, int]]] = {"als compare": [], "bare join": []}
        for _ in range(given.rounds):
            for title, code in (("als compare", COMPARE), ("bare join", JOIN)):
                found[title].append(timed(code, folder))
    for title, values in found.items():
        seconds, peaks = zip(*values, strict=True)
        print(f"{title:12} {machine.middle(list(seconds))}  {max(peaks):,} MB")


if __name__ == "__main__":
    main()
