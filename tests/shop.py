"""A small shop for tests: two groups of users, each with its own group of items."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl

CONFIG = """
workspace: work
events:
  source: events.csv
  columns: {user: user_id, item: item_id, timestamp: ts, type: event}
  types: {view: 1, purchase: 5}
train: {factors: 8, iterations: 5}
evaluate:
  split: {by: time, test: 5d}
  at: [5, 10]
recommend:
  top_n: 5
  items: {catalog: catalog.csv, where: price > 0}
  output: {path: lists}
"""


def write_shop(folder: Path, config: str = CONFIG) -> Path:
    """Write events.csv, catalog.csv and shop.yaml into `folder`, and return the path of shop.yaml."""
    rng = np.random.default_rng(11)
    rows = 3000
    user = rng.integers(0, 120, rows)
    item = (user % 2) * 20 + rng.integers(0, 20, rows)
    stray = rng.random(rows) < 0.1
    item[stray] = rng.integers(0, 40, stray.sum())
    seconds = np.sort(rng.integers(0, 30 * 86_400, rows)) + 1_767_225_600
    events = pl.DataFrame(
        {
            "user_id": [f"u{n:03d}" for n in user],
            "item_id": [f"i{n:02d}" for n in item],
            "ts": pl.Series(seconds).cast(pl.Int64),
            "event": np.where(rng.random(rows) < 0.2, "purchase", "view"),
        }
    )
    events.write_csv(folder / "events.csv")
    pl.DataFrame(
        {
            "item_id": [f"i{n:02d}" for n in range(40)],
            "title": [f"{'Red' if n < 20 else 'Blue'} thing {n}" for n in range(40)],
            "price": [0 if n == 7 else 5 + n for n in range(40)],
        }
    ).write_csv(folder / "catalog.csv")
    (folder / "shop.yaml").write_text(config, encoding="utf-8")
    return folder / "shop.yaml"


SLOW_CONFIG = """
workspace: work
events: {source: events.csv, columns: {user: user_id, item: item_id}}
train: {factors: 256, iterations: 1000000}
"""


def write_slow_shop(folder: Path) -> Path:
    """Write events.csv and shop.yaml into `folder`, and return the path of shop.yaml.

    The training takes 12 s on a fast processor, until the loss converges. Tests interrupt this training. The training
    of the small shop converges in 0.1 s.
    """
    rng = np.random.default_rng(12)
    rows = 60_000
    events = pl.DataFrame({"user_id": rng.integers(0, 3000, rows), "item_id": rng.integers(0, 2000, rows)})
    events.write_csv(folder / "events.csv")
    (folder / "shop.yaml").write_text(SLOW_CONFIG, encoding="utf-8")
    return folder / "shop.yaml"


def als(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    """Run the command `als` in a new process, and return the finished process."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ALS_")}
    environment["PYTHONPATH"] = str(
        Path(__file__).parents[1]
    )  # import als_cli from the checkout in any working folder
    command = [sys.executable, "-m", "als_cli", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False, **({"env": environment} | options)
    )
