"""Loading a model's factors from the Arrow file that als writes, and from uncompressed Parquet files.

    python tests/benchmarks/model_file.py [--rows 200000] [--factors 128] [--rounds 7]

Every Parquet file has one row group, no compression, no dictionary and no statistics. `open` ends when the ids and a
(rows, factors) array are there; `open and read` also reads every factor once, since opening a memory map reads nothing.
Fresh: one load in a new process, after a small file of the same format, so that imports and the libraries' first calls
are not counted. Warm: repeated in one process. Files are in the page cache.
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
import pyarrow as pa
import pyarrow.parquet as pq

from als_cli.als.engine import Factors
from als_cli.storage.manifest import write_manifest
from als_cli.storage.model_files import USER_FACTORS, open_model, write_model
from als_cli.storage.publish import staged_folder

PARQUET = {
    "fixed-size list": lambda size: pa.list_(pa.field("element", pa.float32()), size),
    "fixed-size list, no nulls": lambda size: pa.list_(
        pa.field("element", pa.float32(), nullable=False), size
    ),
    "list": lambda _: pa.list_(pa.field("element", pa.float32())),
}
FORMATS = ("Arrow IPC, mapped", *(f"Parquet, {name}" for name in PARQUET), "Parquet, fixed-size list, polars")


def write(folder: Path, rows: int, factors: int) -> None:
    values = np.random.default_rng(0).normal(size=(rows, factors)).astype(np.float32)
    ids = pl.DataFrame(
        {
            "user_id": [f"u{row:07d}" for row in range(rows)],
            "events": pl.repeat(1, rows, dtype=pl.UInt32, eager=True),
            "last_time": pl.repeat(None, rows, dtype=pl.Datetime("us", "UTC"), eager=True),
        }
    )
    items = pl.DataFrame({"item_id": ["i"], "interactions": pl.Series([1], dtype=pl.UInt32)})
    with staged_folder(folder / "models") as version:
        write_model(version, ids, items, Factors(values, values[:1]))
        write_manifest(version, kind="model", key="", config={})
    table = pa.ipc.open_file(pa.memory_map(str(folder / "models" / USER_FACTORS))).read_all()
    for name, kind in PARQUET.items():
        nullable = "no nulls" not in name
        schema = pa.schema(
            [pa.field("user_id", pa.string(), nullable), pa.field("factors", kind(factors), nullable)]
        )
        offsets = np.arange(0, rows * factors + 1, factors, dtype=np.int32)
        flat = table["factors"].combine_chunks().flatten()
        lists = (
            pa.FixedSizeListArray.from_arrays(flat, type=schema.field("factors").type)
            if pa.types.is_fixed_size_list(kind(factors))
            else pa.ListArray.from_arrays(pa.array(offsets), flat)
        )
        pq.write_table(
            pa.Table.from_arrays([table["user_id"].combine_chunks(), lists], schema=schema),
            folder / f"{name}.parquet",
            compression="none", use_dictionary=False, write_statistics=False, row_group_size=rows,
        )  # fmt: skip


def load(folder: Path, name: str) -> np.ndarray:
    """Return the factors, (rows, factors)."""
    if name.startswith("Arrow"):
        return open_model(folder / "models").factors.users
    kind = name.removeprefix("Parquet, ").removesuffix(", polars")
    if name.endswith("polars"):
        return pl.read_parquet(folder / f"{kind}.parquet")["factors"].to_numpy()
    table = pq.read_table(folder / f"{kind}.parquet", memory_map=True)
    return table["factors"].combine_chunks().flatten().to_numpy().reshape(table.num_rows, -1)


def timed(folder: Path, name: str) -> tuple[float, float]:
    """Return the seconds until the factors are there, and until all of them were read."""
    started = time.perf_counter()
    factors = load(folder, name)
    opened = time.perf_counter() - started
    factors.sum()
    return opened, time.perf_counter() - started


def fresh(folder: Path, name: str) -> tuple[float, float]:
    command = [sys.executable, __file__, "--load", str(folder), name]
    opened, read = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return float(opened), float(read)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--factors", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--load", nargs=2, metavar=("FOLDER", "FORMAT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.load:
        timed(Path(options.load[0]) / "small", options.load[1])
        print(*timed(Path(options.load[0]), options.load[1]))
        return
    print(machine.describe(2), f"\npyarrow {pa.__version__}; load average {machine.load_average()}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, options.rows, options.factors)
        write(folder / "small", 10, options.factors)
        for label, measure in (("fresh", fresh), ("warm", timed)):
            seconds = {kind: [] for kind in FORMATS}
            for _ in range(options.rounds):
                for kind in FORMATS:
                    seconds[kind].append(measure(folder, kind))
            for kind, pairs in seconds.items():
                opened, read = (sorted(1000 * pair[k] for pair in pairs) for k in (0, 1))
                middle = options.rounds // 2
                print(
                    f"{label:5} {kind:33} open {opened[middle]:6.1f} ms ({opened[0]:.1f}-{opened[-1]:.1f}),"
                    f" open and read {read[middle]:6.1f} ms ({read[0]:.1f}-{read[-1]:.1f})"
                )


if __name__ == "__main__":
    main()
