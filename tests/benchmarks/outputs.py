"""Time of each kind of output of lists: 20,000 users with 20 items each by default, best of three.

    python -m tests.benchmarks.outputs [USERS]

PostgreSQL is a server that the script starts, without fsync. The last column is the time divided by that of a folder of
Parquet files, which is measured in the same run.
"""

import io
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from als_cli.config.database import DatabaseConfig
from als_cli.config.output import OutputConfig
from als_cli.ranking.lists import output_schema, shortfall_schema
from als_cli.storage.sinks.publish_lists import open_sink
from als_cli.storage.sinks.target import target_of
from tests.servers import postgres_server

BLOCK, TOP_N = 4096, 20


def blocks(users):
    rng = np.random.default_rng(1)
    for start in range(0, users, BLOCK):
        ids = np.arange(start, min(start + BLOCK, users))
        rows = len(ids) * TOP_N
        yield (
            len(ids),
            pl.DataFrame(
                {
                    "user_id": np.repeat(ids, TOP_N),
                    "rank": np.tile(np.arange(1, TOP_N + 1, dtype=np.int32), len(ids)),
                    "item_id": [f"item-{n}" for n in rng.integers(0, 50_000, rows)],
                    "score": rng.random(rows, np.float32),
                    "source": np.repeat("als", rows),
                },
                schema=output_schema("rows", pl.Int64(), pl.String()),
            ),
        )


def seconds(output, made):
    best = float("inf")
    for number in range(3):
        started = time.perf_counter()
        short = shortfall_schema(pl.Int64())
        with open_sink(target_of(output), made[0][1].schema, short, io.BytesIO()) as sink:
            for users, frame in made:
                sink.write(frame, pl.DataFrame(schema=short), users)
            sink.finish(f"key {number}", {})
        took = time.perf_counter() - started
        best = min(best, took)
    return best


def main():
    made = list(blocks(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000))
    with tempfile.TemporaryDirectory() as name, postgres_server() as server:
        folder = Path(name)
        files: dict[str, Any] = {
            "Parquet folder": {},
            "Parquet folder, 16 shards": {"shards": 16},
            "CSV folder": {"format": "csv"},
            "Delta": {"format": "delta"},
            "Delta, merge": {"format": "delta", "mode": "merge"},
            "kv": {"format": "kv"},
            "resp": {"format": "resp"},
        }
        outputs = {
            kind: OutputConfig(path=str(folder / kind.replace(" ", "-")), **options)
            for kind, options in files.items()
        }
        uris = {
            "DuckDB": f"duckdb:{folder}/lists.duckdb",
            "SQLite": f"sqlite:{folder}/lists.sqlite",
            "PostgreSQL": server.uri(),
        }
        outputs |= {kind: OutputConfig(database=DatabaseConfig(uri=uri)) for kind, uri in uris.items()}
        rows = sum(frame.height for _, frame in made)
        print(f"{rows:,} rows, {os.cpu_count()} processors")
        base = None
        for kind, output in outputs.items():
            took = seconds(output, made)
            base = base or took
            print(f"{kind:28} {took:7.2f} s {rows / took / 1e6:7.2f} M rows/s {took / base:7.2f} x")


if __name__ == "__main__":
    main()
