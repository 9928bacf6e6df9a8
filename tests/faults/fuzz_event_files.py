"""Random event files for the fuzzers: small valid ones, changed by byte, by value or by type."""

import io
import json
import random
from collections.abc import Callable

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from tests.faults.fuzz_inputs import WORDS, mutated_bytes

ROWS = [
    (f"u{k % 5}", f"i{k % 7}", f"2025-03-0{1 + k % 9}", ("view", "buy")[k % 2], k % 4 + 0.5)
    for k in range(24)
]
NAMES = ("user_id", "item_id", "ts", "kind", "n")
COLUMNS = {"user": "user_id", "item": "item_id", "timestamp": "ts", "type": "kind", "value": "n"}


def table_of_events() -> pl.DataFrame:
    """Return ROWS as a table."""
    return pl.DataFrame(ROWS, schema=list(NAMES), orient="row")


def _csv(rng: random.Random) -> bytes:
    rows = [list(row) for row in ROWS]
    for _ in range(rng.randrange(4)):
        rng.choice(rows)[rng.randrange(5)] = rng.choice(WORDS)
    lines = [",".join(NAMES), *(",".join(map(str, row)) for row in rows)]
    return "\n".join(lines).encode("utf-8", errors="surrogatepass") + b"\n"


def _ndjson(rng: random.Random) -> bytes:
    rows = [dict(zip(NAMES, row, strict=True)) for row in ROWS]
    for _ in range(rng.randrange(4)):
        row = rng.choice(rows)
        row[rng.choice((*NAMES, "more"))] = rng.choice(WORDS)  # type: ignore[assignment]
    return "".join(json.dumps(row, default=str) + "\n" for row in rows).encode()


_TYPES = (
    *(pa.int8(), pa.int32(), pa.int64(), pa.uint64(), pa.float16(), pa.float32(), pa.float64(), pa.bool_()),
    *(pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.binary(3), pa.null(), pa.date32()),
    *(pa.date64(), pa.time32("s"), pa.time64("ns"), pa.duration("ms"), pa.timestamp("s"), pa.timestamp("ms")),
    *(pa.timestamp("us", "UTC"), pa.timestamp("ns", "+05:45"), pa.timestamp("us", "Europe/Paris")),
    *(
        pa.decimal128(38, 5),
        pa.decimal256(60, 5),
        pa.decimal32(5, 2),
        pa.list_(pa.int64()),
        pa.list_view(pa.int8()),
    ),
    *(pa.struct([("a", pa.int8())]), pa.dictionary(pa.int8(), pa.string()), pa.map_(pa.string(), pa.int8())),
    *(pa.month_day_nano_interval(), pa.run_end_encoded(pa.int32(), pa.int64()), pa.uuid()),
)


def _column(kind: pa.DataType, rng: random.Random) -> pa.Array:
    """Return 24 values of type `kind`; values that pyarrow cannot convert are null."""
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_temporal(kind):
        width = getattr(kind, "bit_width", 64)
        signed = pa.types.is_unsigned_integer(kind)
        low, high = (0, 2**width - 1) if signed else (-(2 ** (width - 1)), 2 ** (width - 1) - 1)
        pool = [low, high, 0, 1, high // 2] if rng.random() < 0.3 else [k % max(high, 1) for k in range(9)]
        try:
            return pa.array(
                [rng.choice(pool) for _ in ROWS], {8: pa.int8(), 32: pa.int32()}.get(width, pa.int64())
            ).cast(kind)
        except (pa.ArrowException, OverflowError):
            return pa.nulls(len(ROWS), kind)
    samples = [None, "u1", "i2", b"abc", 1, True, [1], {"a": 1}, [("a", 1)], bytes(16)]
    for _ in range(4):
        sample = rng.choice(samples)
        try:
            return pa.array([sample] * len(ROWS), kind)
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            continue
    return pa.nulls(len(ROWS), kind)


def _typed_table(rng: random.Random) -> pa.Table:
    table = table_of_events().to_arrow()
    for _ in range(rng.choice((0, 0, 1, 1, 2))):
        position = rng.randrange(5)
        table = table.set_column(position, NAMES[position], _column(rng.choice(_TYPES), rng))
    return table


def _parquet(rng: random.Random) -> bytes:
    target = io.BytesIO()
    try:
        pq.write_table(_typed_table(rng), target, compression=rng.choice(("none", "zstd", "gzip", "snappy")))
    except pa.ArrowException:  # Parquet has no such type
        return _parquet(rng)
    return target.getvalue()


def _arrow(rng: random.Random) -> bytes:
    target, table = io.BytesIO(), _typed_table(rng)
    options = pa.ipc.IpcWriteOptions(compression=rng.choice((None, "zstd", "lz4")))
    try:
        with pa.ipc.new_file(target, table.schema, options=options) as writer:
            writer.write_table(table)
    except pa.ArrowException:
        return _arrow(rng)
    return target.getvalue()


EVENT_FILES: dict[str, Callable[[random.Random], bytes]] = {
    "csv": _csv,
    "ndjson": _ndjson,
    "parquet": _parquet,
    "arrow": _arrow,
}


def event_file(kind: str, rng: random.Random) -> bytes:
    """Return the bytes of a file of `kind` with wrong values, wrong types, wrong bytes or all of them."""
    content = EVENT_FILES[kind](rng)
    return mutated_bytes(content, rng) if rng.random() < 0.7 else content
