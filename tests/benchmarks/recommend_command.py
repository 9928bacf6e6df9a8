"""Wall time and processor time of `als recommend`, `similar` and `audience`, beside `implicit.recommend` alone.

    python tests/benchmarks/recommend_command.py [--share 1.0] [--factors 64] [--rounds 5] [--folder FOLDER]

The data set has the shape of MovieLens-20M: 138,000 users, 27,000 items. `als ingest` and `als train` run first. They are
not timed. The commands and `implicit.recommend` then take turns. Commands are whole processes, files and start-up
included. `implicit` gets the same factors in memory, and its time has neither files nor start-up. With `--folder`, a
later run uses the dataset and the model again.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import machine
import numpy as np
import polars as pl
import synthetic
import yaml

from als_cli.als.threads import Workers, available_threads
from als_cli.storage.dataset_files import open_dataset
from als_cli.storage.model_files import open_model

CATALOG = {"catalog": "items.parquet"}
LIMITS: dict[str, Any] = {"limits": [{"column": "category", "at_most": 3}]}
RULES: dict[str, dict[str, Any]] = {
    "plain": {},
    "catalogue": {"items": CATALOG | {"where": "price > 20"}},
    "at most 3 per category": {"items": CATALOG, "rules": LIMITS},
    "at most 3 per category, 2 per brand": {
        "items": CATALOG,
        "rules": {"limits": [*LIMITS["limits"], {"column": "brand", "at_most": 2}]},
    },
    "at least 8 categories": {"items": CATALOG, "rules": {"limits": [{"column": "category", "at_least": 8}]}},
    "2 pinned, a tenth promoted": {
        "items": CATALOG,
        "rules": {
            "pinned": [{"positions": [1, 5], "where": "price > 99.9"}],
            "promoted": [{"share": 0.1, "where": "price < 2"}],
        },
    },
    "3 reasons": {"because": 3},
    "all of these": {
        "items": CATALOG | {"where": "price > 1"},
        "rules": {
            "limits": [
                {"column": "category", "at_most": 3, "at_least": 8},
                {"column": "brand", "at_most": 2},
            ],
            "pinned": [{"positions": [1, 5], "where": "price > 99.9"}],
            "promoted": [{"share": 0.1, "where": "price < 2"}],
            "minimum_score": 0.0,
        },
    },
}

_CAMPAIGN_ITEMS = 100


def prepare(folder: Path, share: float, factors: int) -> None:
    """Write events and a catalogue below `folder`, ingest and train, unless a model is there."""
    if (folder / "work" / "models").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    pairs = synthetic.movielens_like(share=share).tocoo()
    rng = np.random.default_rng(1)
    newest = 1_767_225_600
    events = {
        "user_id": pairs.row,
        "item_id": pairs.col,
        "time": newest - rng.integers(0, 180 * 86_400, pairs.nnz),
    }
    pl.DataFrame(events).write_parquet(folder / "events.parquet")
    items = np.arange(pairs.shape[1])
    catalog = {
        "item_id": items.astype(np.int32),
        "category": rng.geometric(0.06, len(items)).astype(str),
        "brand": rng.geometric(0.005, len(items)).astype(str),
        "price": rng.random(len(items)) * 100,
    }
    pl.DataFrame(catalog).write_parquet(folder / "items.parquet")
    for command in ("ingest", "train"):
        als(write_config(folder, "prepare", {}, factors), command)


def write_config(folder: Path, name: str, section: dict[str, Any], factors: int) -> Path:
    """Write a config with `section` for `recommend`, and return its path."""
    document = {
        "workspace": "work",
        "events": {"source": "events.parquet", "columns": {"timestamp": "time"}},
        "train": {"factors": factors},
        "recommend": section | {"top_n": 20, "output": {"path": f"lists {name}"}},
    }
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def other_commands(folder: Path, plain: Path) -> dict[str, tuple[Path, tuple[str, ...]]]:
    """Write the items of a campaign, and return the config and the arguments of the commands beside `recommend`."""
    items = pl.scan_parquet(folder / "items.parquet").select("item_id").head(_CAMPAIGN_ITEMS).collect()
    items.write_parquet(folder / "campaign.parquet")
    similar = ("similar", "items", "--output", str(folder / "similar"))
    campaign = ("--items", str(folder / "campaign.parquet"), "--output", str(folder / "audience"))
    return {
        "similar items": (plain, similar),
        f"audience of {_CAMPAIGN_ITEMS} items": (plain, ("audience", *campaign)),
    }


def als(config: Path, *command: str) -> None:
    # Without a timeout: with one, Python looks only every 50 ms whether the process has ended.
    subprocess.run([sys.executable, "-m", "als_cli", *command, "-c", str(config), "-q"], check=True)


def processor_seconds() -> float:
    """Return the processor time of all processes that this one has started and that have ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime


def implicit_lists(folder: Path) -> None:
    """Rank with `implicit.recommend` from the factors of the model, in one process."""
    from implicit.cpu.als import AlternatingLeastSquares

    model, matrix = (
        open_model(folder / "work" / "models"),
        open_dataset(folder / "work" / "dataset").interactions.matrix,
    )
    threads = available_threads()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = AlternatingLeastSquares(model.factors.items.shape[1], num_threads=threads)
    peer.user_factors, peer.item_factors = np.array(model.factors.users), np.array(model.factors.items)
    started = time.perf_counter()
    with Workers(threads):
        peer.recommend(np.arange(matrix.shape[0]), matrix, 20, filter_already_liked_items=True)
    print(time.perf_counter() - started)


def main() -> None:
    options = _options()
    if options.implicit is not None:
        implicit_lists(options.implicit)
        return
    print(machine.describe(available_threads()), f"load {machine.load_average()}", sep="\n")
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        prepare(folder, options.share, options.factors)
        commands: dict[str, tuple[Path, tuple[str, ...]]] = {
            name: (write_config(folder, name, section, options.factors), ("recommend",))
            for name, section in RULES.items()
        }
        commands |= other_commands(folder, commands["plain"][0])
        seconds: dict[str, list[float]] = {}
        processor: dict[str, list[float]] = {}
        for _ in range(options.rounds):
            for name, (config, command) in commands.items():
                started, before = time.perf_counter(), processor_seconds()
                als(config, *command)
                seconds.setdefault(name, []).append(time.perf_counter() - started)
                processor.setdefault(name, []).append(processor_seconds() - before)
            alone_command = [sys.executable, __file__, "--implicit", str(folder)]
            alone = subprocess.run(alone_command, check=True, capture_output=True, text=True).stdout
            seconds.setdefault("implicit.recommend alone", []).append(float(alone.splitlines()[-1]))
    for title, found in (("wall time", seconds), ("processor time", processor)):
        plain = float(np.median(found["plain"]))
        for name, measured in found.items():
            print(f"{title:15} {name:40} {machine.middle(measured)}  x{np.median(measured) / plain:5.2f}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--factors", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--implicit", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
