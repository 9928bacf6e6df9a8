"""A small shop whose ids, titles, categories and rejected rows try to break out of a page."""

import json
from pathlib import Path

import numpy as np
import polars as pl

from als_cli.config.loading import load_config
from als_cli.stages.context import StageContext
from tests.report.hostile import HOSTILE

ITEMS = [*HOSTILE[:-2], *(f"plain-{number}" for number in range(64)), HOSTILE[-1]]
USERS = [*HOSTILE[:8], *(f"user-{number:02}" for number in range(72))]
DAYS = 40
TITLE = {item: f"title of {item[:60]}" for item in ITEMS[::2]}


def write_hostile_shop(folder: Path, **sections: object) -> Path:
    """Write events.parquet, catalog.parquet and shop.yaml into `folder`, and return the path of shop.yaml.

    `sections` replace sections of the config.
    """
    rng = np.random.default_rng(3)
    rows = 1800
    user = rng.integers(0, len(USERS), rows)
    item = (user % 2) * (len(ITEMS) // 2) + rng.integers(0, len(ITEMS) // 2, rows)
    seconds = np.sort(rng.integers(0, DAYS * 86_400, rows)) + 1_767_225_600
    events = pl.DataFrame(
        {
            "user_id": [USERS[row] for row in user],
            "item_id": [ITEMS[row] for row in item],
            "ts": [str(second) for second in seconds],
            "event": np.where(rng.random(rows) < 0.3, "purchase", "view"),
        }
    )
    bad = pl.DataFrame(
        {"user_id": [HOSTILE[0]], "item_id": [HOSTILE[1]], "ts": [HOSTILE[2]], "event": ["view"]}
    )
    pl.concat([events, bad]).write_parquet(folder / "events.parquet")
    pl.DataFrame(
        {
            "item_id": ITEMS,
            "title": [TITLE.get(item) for item in ITEMS],
            "category": [HOSTILE[number % 12] if number % 5 else None for number in range(len(ITEMS))],
        }
    ).write_parquet(folder / "catalog.parquet")
    config = {
        "workspace": "work",
        "events": {
            "source": "events.parquet",
            "columns": {"user": "user_id", "item": "item_id", "timestamp": "ts", "type": "event"},
            "types": {"view": 1, "purchase": 5},
            "timestamp_format": "s",
            "as_of": "2026-02-20",
        },
        "train": {"factors": 4, "iterations": 3},
        "evaluate": {"split": {"by": "time", "test": "7d"}, "at": [5, 10]},
        "recommend": {
            "top_n": 6,
            "items": {"catalog": "catalog.parquet"},
            "rules": {"limits": [{"column": "category", "at_most": 3}]},
            "output": {"path": "lists.parquet"},
        },
        "report": {"path": "report.html", "users": 12, "items": 100},
    }
    path = folder / "shop.yaml"
    path.write_text(json.dumps(config | sections), encoding="utf-8")
    return path


def context_of(config: Path) -> StageContext:
    """Return the context of a stage with the file `config`."""
    return StageContext(load_config(config, environment={}), config_file=config)
