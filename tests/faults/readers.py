"""Readers of lists while a process publishes them again and again: what each of them found.

    python tests/faults/readers.py [--publications 200]

Lists of one, two and three parts take turns. Each reader counts its results in a process of its own:

* `resolved` readers resolve the link once and read the version that it leads to, lists and manifest.
* `by path` readers open the published folder. A reader that has listed the folder may find that a file is gone.

Readers must never find a mixture of two versions.
"""

import argparse
import json
import multiprocessing
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing.synchronize import Barrier, Event
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import duckdb
import polars as pl
import pyarrow.dataset as ds

from als_cli.storage.manifest import file_sha256
from tests.storage.test_sinks import ROWS, target, write

NAME = "recs"
WHOLE, GONE = "whole", "a file was gone"
_PAUSE = 0.05
"""Seconds between two publications."""
READERS: dict[str, Callable[[Path], int]] = {
    "DuckDB": lambda folder: (
        duckdb.connect().sql(f"from read_parquet('{folder}/**/*.parquet')").fetchall().__len__()
    ),
    "polars": lambda folder: pl.read_parquet(folder).height,
    "pyarrow": lambda folder: ds.dataset(folder).to_table().num_rows,
    "plain": lambda folder: sum(pl.read_parquet(file.read_bytes()).height for file in folder.iterdir()),
}
"""Each returns the number of rows in a folder of lists."""


def lists_of(number: int) -> list[pl.DataFrame]:
    """Return the blocks of publication `number`. Their number and their users tell the versions apart."""
    user = (pl.col("user_id") + 1000 * (number % 3)).alias("user_id")
    return [ROWS.with_columns(user)] * (1 + number % 3)


def publish(folder: Path, publications: int, is_over: Event) -> None:
    """Publish the lists `publications` times. Five versions stay, so a version stays for five pauses."""
    for number in range(1, publications + 1):
        write(target(folder / NAME, users_per_part=2), lists_of(number), key=f"{number % 3}-of-three")
        time.sleep(_PAUSE)
    is_over.set()


def read(
    reader: str,
    folder: Path,
    ready: Barrier,
    is_over: Event,
    found: "multiprocessing.Queue[tuple[str, Counter[str]]]",
) -> None:
    """Read until the publications are over, and put the counts of the results into `found`."""
    results: Counter[str] = Counter()
    _resolved(READERS[reader], folder)
    ready.wait()
    while not is_over.is_set():
        for way, result in (("resolved", _resolved), ("by path", _by_path)):
            results[f"{way}: {result(READERS[reader], folder)}"] += 1
    found.put((reader, results))


def _resolved(reader: Callable[[Path], int], folder: Path) -> str:
    lists = (folder / NAME).resolve()
    try:
        manifest = json.loads((lists.parent / "manifest.json").read_text())
        rows = reader(lists)
        described = {
            one["path"]: one["sha256"] for one in manifest["outputs"] if one["path"].startswith(f"{NAME}/")
        }
        if {path: file_sha256(lists.parent / path) for path in described} != described:
            return "lists differ from the manifest"
    except Exception as failure:  # noqa: BLE001 - any failure is a finding
        return f"{type(failure).__name__}: {failure}"[:100]
    return WHOLE if rows == ROWS.height * len(described) else f"{rows} rows in {len(described)} parts"


def _by_path(reader: Callable[[Path], int], folder: Path) -> str:
    try:
        rows = reader(folder / NAME)
    except (FileNotFoundError, duckdb.IOException):
        return GONE
    except Exception as failure:  # noqa: BLE001 - any failure is a finding
        return f"{type(failure).__name__}: {failure}"[:100]
    return WHOLE if rows in {ROWS.height * parts for parts in (1, 2, 3)} else f"{rows} rows"


def watch(publications: int) -> dict[str, Counter[str]]:
    """Return the counts of the results of each reader while lists are published `publications` times."""
    start = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write(target(folder / NAME, users_per_part=2), lists_of(0), key="0-of-three")
        ready, is_over, found = start.Barrier(len(READERS) + 1), start.Event(), start.Queue()
        readers = [start.Process(target=read, args=(name, folder, ready, is_over, found)) for name in READERS]
        for process in readers:
            process.start()
        ready.wait()
        publish(folder, publications, is_over)
        results = dict(found.get(timeout=60) for _ in readers)
        for process in readers:
            process.join()
    return results


def main() -> None:
    """Print the counts."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--publications", type=int, default=200)
    for reader, results in watch(parser.parse_args().publications).items():
        print(reader, *(f"  {count:6,}  {result}" for result, count in sorted(results.items())), sep="\n")


if __name__ == "__main__":
    main()
