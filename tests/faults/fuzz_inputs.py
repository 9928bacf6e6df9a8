"""Random configs and event files for the fuzzer: small valid ones, changed by byte or by value."""

import io
import json
import random
from collections.abc import Callable
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

BASE = """\
workspace: work
threads: 2
events:
  source: [events.csv, {path: 'b*.parquet', columns: {user: 1, item: 2}, header: true, separator: tab}]
  columns: {user: user_id, item: item_id, timestamp: ts, type: kind, value: n}
  id_types: {user: auto, item: string}
  where: n > 0 and kind <> 'view'
  types: {view: 1, cart: 3, buy: 5.5}
  as_of: 2026-01-31T06:00:00Z
  half_life: 30d
  min_user_interactions: 2
  max_bad_fraction: 0.1
train:
  factors: auto
  regularization: 0.005
  iterations: 8
  seed: 7
  confidence: {form: log, alpha: 10, user_exponent: 0.2}
  fold_in: {half_life: infinite}
  demand: {half_life: 30d, exponent: 0.5}
  budget: {time: 10m, memory: 8}
evaluate:
  split: {by: time, test: 7d}
  at: [10, 20]
  baselines: [popular, item_knn]
  users: 1000
  gate: {metric: ndcg@10, at_least: popular}
  cohorts: {users: {path: u.csv, by: [country]}}
tune: {trials: 5, space: {factors: [16, 32], alpha: [0, 10]}, output: best.yaml}
recommend:
  top_n: 20
  users: {active_since: 30d}
  items: {catalog: items.csv, where: in_stock}
  output: {path: out/lists.csv, format: csv}
"""
ROWS = [
    (f"u{k % 5}", f"i{k % 7}", f"2025-03-0{1 + k % 9}", ("view", "buy")[k % 2], k % 4 + 0.5)
    for k in range(24)
]
NAMES = ("user_id", "item_id", "ts", "kind", "n")
COLUMNS = {"user": "user_id", "item": "item_id", "timestamp": "ts", "type": "kind", "value": "n"}
WORDS: list[Any] = [
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -(2**63), 10**400, 0.0, -0.0, 1e308, -1e308, 5e-324),
    *(float("inf"), float("nan"), "", " ", "-", "~", "auto", "all", "none", "null", "\0", "\x07", "\u2028", "\ufeff"),
    *("\ud800", "ü" * 300, "^a.*$", "*", "[", "{a", "%", "%Y", "%Q", "1e999", "9" * 5000, "s3://x/y", "~nobody/x"),
    *("30d", "0d", "9999999d", "1e5d", "0001-01-01", "9999-12-31", "2026-02-30", "12:61", "<<", "!!python/object:os"),
    *("ndcg@0", "ndcg@99999999999", "gini@10", "user_id", "'", '"', "a" * 70_000, "1 in (select 1)", "((((", "rot13"),
    *([], {}, [[]], [None], {"a": {}}, {"by": "file"}, {"by": "last", "n": 0}, [1, "a"], {1: 2}, {None: 1}),
]  # fmt: skip
_BYTES = [
    b"\0",
    b"\xff",
    b"\n",
    b"\r\n",
    b'"',
    b",",
    b"\x80",
    b"\xef\xbb\xbf",
    b"{",
    b"[",
    b"]",
    b"\x1f\x8b",
    b"PAR1",
]
_INTEGERS = [0, 1, -1, 127, 128, 255, 2**31 - 1, -(2**31), 2**63 - 1, -(2**63), 2**40]


def mutated_bytes(content: bytes, rng: random.Random) -> bytes:
    """Return `content` after one to eight random changes."""
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        _mutate(changed, rng)
    return bytes(changed)


def _mutate(changed: bytearray, rng: random.Random) -> None:
    size = len(changed)
    start = rng.randrange(size + 1)
    end = min(size, start + rng.choice((1, 1, 2, 4, 8, 50)))
    kind = rng.randrange(7)
    if kind == 0 and size:
        changed[min(start, size - 1)] ^= 1 << rng.randrange(8)
    elif kind == 1:
        del changed[start:end]
    elif kind == 2:
        changed[start:start] = changed[start:end] * rng.choice((1, 2, 100))
    elif kind == 3:
        changed[start:start] = rng.randbytes(rng.choice((1, 2, 4, 16)))
    elif kind == 4:
        changed[start:end] = rng.choice(_BYTES)
    elif kind == 5:
        width = rng.choice((1, 2, 4, 8))
        number = rng.choice(_INTEGERS) % (1 << 8 * width)
        changed[start : start + width] = number.to_bytes(width, "little")
    else:
        del changed[start:]


def mutated_tree(tree: Any, rng: random.Random) -> Any:
    """Return the config `tree` with one value, key or entry changed."""
    if rng.random() < 0.2 or not tree or not isinstance(tree, (dict, list)):
        return rng.choice(WORDS)
    if isinstance(tree, list):
        position = rng.randrange(len(tree))
        return [mutated_tree(entry, rng) if k == position else entry for k, entry in enumerate(tree)]
    key = rng.choice(list(tree))
    changed = dict(tree)
    kind = rng.randrange(8)
    if kind == 0:
        del changed[key]
    elif kind == 1:
        changed[rng.choice((str(key)[:-1], f"{key}x", rng.choice(["a", "by", 1, None, ""])))] = changed.pop(
            key
        )
    else:
        changed[key] = mutated_tree(changed[key], rng)
    return changed


def config_text(rng: random.Random) -> bytes:
    """Return the text of a config with wrong values, wrong bytes or both."""
    tree = yaml.safe_load(BASE)
    for _ in range(rng.choice((1, 1, 2, 4))):
        tree = mutated_tree(tree, rng) if isinstance(tree, dict) else tree
    text = yaml.dump(tree, sort_keys=False, allow_unicode=rng.random() < 0.5) if rng.random() < 0.7 else BASE
    content = text.encode("utf-8", errors="surrogatepass")
    return mutated_bytes(content, rng) if rng.random() < 0.5 else content


SETTINGS = (
    *(
        "train.factors=256",
        "train={factors: 8, seed: 1}",
        "evaluate.split={by: time, test: 7d}",
        "threads=auto",
    ),
    *(
        "events.columns={user: 1, item: b}",
        "events.types={view: 1, buy: 5}",
        "events.half_life=30d",
        "keep=3",
    ),
    *("events.where=price > 0 and (kind = 'view' or \"a b\" is null)", "recommend.output.path=out/x.csv"),
    *("recommend.items={catalog: i.csv, where: a in (1, 2) and lower(b) like 'x%'}", "evaluate.at=[10, 20]"),
    *("recommend.users={active_since: 2026-01-31}", "tune.space.factors=[8, 16]", "events.as_of=2026-01-31"),
    *(
        "events.source=[a.csv, {path: b*, columns: {user: u}}]",
        "evaluate.gate={metric: ndcg@10, at_least: 0.1}",
    ),
    *("events.where=case when a > 1 then cast(b as int) else length(c) end between 1 and 9", "tune.time=1h"),
)


def setting(rng: random.Random) -> str:
    """Return a changed ``KEY=VALUE`` of ``--set``. Bytes that are not UTF-8 are as the shell passes them."""
    text = rng.choice(SETTINGS)
    if rng.random() < 0.2:
        text = f"{text.partition('=')[0]}={rng.choice(WORDS)}"
    if rng.random() < 0.9:
        content = mutated_bytes(text.encode("utf-8", errors="surrogatepass"), rng)
        text = content.decode("utf-8", errors="surrogateescape")
    return text


def _frame() -> pl.DataFrame:
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
    table = _frame().to_arrow()
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
