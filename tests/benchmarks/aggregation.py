"""Seconds and peak memory from events to the user-item matrix, als-cli compared with pandas, one process per peer.

    python tests/benchmarks/aggregation.py [EVENTS]

EVENTS (default 20,000,000) events with string ids, type and time become about a third as many pairs. `als ingest` also
checks every row, writes clean events and rejected rows, and publishes the dataset. `aggregate` is its last step, from
clean events to the matrix. The pandas peer does what a script would do: weights by type, group-by, codes for the ids, a
CSR matrix.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 3
CONFIG = """
workspace: work
events:
  source: events.parquet
  columns: {user: user_id, item: item_id, timestamp: ts, type: event}
  types: {view: 1, cart: 3, purchase: 5}
"""
PEERS = {
    "als ingest": "from als_cli.cli import app; app(['ingest', '-c', 'shop.yaml', '-q'], standalone_mode=False)",
    "aggregate": """
import polars as pl
from pathlib import Path
from als_cli.config.loading import load_config
from als_cli.dataset.aggregation import aggregate
print(aggregate(pl.scan_parquet('work/dataset/events.parquet'), load_config(Path('shop.yaml')).events).matrix.nnz)
""",
    "pandas": """
import numpy as np, pandas as pd
from scipy.sparse import csr_matrix
events = pd.read_parquet('events.parquet')
events['weight'] = events['event'].map({'view': 1.0, 'cart': 3.0, 'purchase': 5.0})
pairs = events.groupby(['user_id', 'item_id'], sort=False, observed=True)['weight'].sum().reset_index()
users, user_ids = pd.factorize(pairs['user_id'], sort=True)
items, item_ids = pd.factorize(pairs['item_id'], sort=True)
print(csr_matrix((pairs['weight'].to_numpy(np.float32), (users, items)), shape=(len(user_ids), len(item_ids))).nnz)
""",
}


def write_events(path: Path, events: int) -> None:
    """Write `events` rows of 138,000 users and 27,000 items, long-tailed, with some pairs repeated many times."""
    rng = np.random.default_rng(3)
    user = np.minimum((138_000 * rng.random(events) ** 1.6).astype(np.int64), 137_999)
    favourites = rng.integers(0, 60, events)
    item = (
        user * 7919 + favourites**2 * 104_729 + (rng.random(events) < 0.15) * rng.integers(0, 27_000, events)
    ) % 27_000
    pl.DataFrame(
        {
            "user_id": "u" + pl.Series(user).cast(pl.String).str.zfill(7),
            "item_id": "SKU-" + pl.Series(item).cast(pl.String).str.zfill(6),
            "ts": pl.Series(1_760_000_000 + rng.integers(0, 7_776_000, events)),
            "event": pl.Series(rng.choice(["view", "view", "view", "cart", "purchase"], events)),
        }
    ).write_parquet(path)


def measure(program: str, folder: Path) -> tuple[float, float]:
    """Return wall seconds and peak memory in GB of a Python process that runs `program` in `folder`."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"a peer failed with {process.returncode}")
    return time.perf_counter() - started, usage.ru_maxrss / 1e6


def main() -> None:
    """Print the median time of each peer, and the time of pandas divided by it."""
    events = int(sys.argv[1].replace(",", "")) if len(sys.argv) > 1 else 20_000_000
    with tempfile.TemporaryDirectory() as folder:
        write_events(Path(folder) / "events.parquet", events)
        (Path(folder) / "shop.yaml").write_text(CONFIG, encoding="utf-8")
        figures: dict[str, list[tuple[float, float]]] = {name: [] for name in PEERS}
        for _ in range(ROUNDS):
            for name, program in PEERS.items():
                figures[name].append(measure(program, Path(folder)))
    print(
        f"{events:,} events, {os.cpu_count()} processors, polars {pl.__version__}, median of {ROUNDS} rounds"
    )
    pandas = statistics.median(seconds for seconds, _ in figures["pandas"])
    for name, rounds in figures.items():
        seconds = [s for s, _ in rounds]
        print(
            f"{name:12} {statistics.median(seconds):6.1f} s ({min(seconds):.1f}-{max(seconds):.1f})"
            f"  {max(gb for _, gb in rounds):5.2f} GB  pandas / it = {pandas / statistics.median(seconds):.2f}"
        )


if __name__ == "__main__":
    main()
