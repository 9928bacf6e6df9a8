"""Small files that expand to gigabytes."""

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

BLOCK_BYTES = 1 << 26
BLOCKS = 24
"""The bombs expand to 1.5 GiB."""


def text_bomb(path: Path, head: bytes, unit: bytes) -> Path:
    """Write `head`, and then `unit` again and again, compressed as the suffix of `path` says. Return `path`."""
    block = unit * (BLOCK_BYTES // len(unit))
    if path.suffix == ".zip":
        with (
            zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
            archive.open(path.stem, "w") as member,
        ):
            for piece in (head, *[block] * BLOCKS):
                member.write(piece)
        return path
    pack = gzip.compress if path.suffix == ".gz" else pa.Codec("zstd", 1).compress
    # Both formats allow several compressed pieces one after another.
    path.write_bytes(bytes(pack(head)) + BLOCKS * bytes(pack(block)))
    return path


def parquet_pages_bomb(path: Path) -> Path:
    """Write pages of zeros, which compress well. Return `path`."""
    zeros = np.zeros(BLOCK_BYTES // 16, np.int64)
    table = pa.table({"user_id": zeros, "item_id": zeros})
    with pq.ParquetWriter(path, table.schema, compression="zstd", use_dictionary=False) as writer:
        for _ in range(BLOCKS):
            writer.write_table(table, row_group_size=table.num_rows)
    return path


def repeated_rows(path: Path, rows: int, groups: int = 1) -> Path:
    """Write one row again and again into each of `groups` row groups. Return `path`.

    A run of equal values takes a few bytes, whatever its length.
    """
    same = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), pa.array(["the same id"]))
    table = pa.table({"user_id": same, "item_id": same})
    with pq.ParquetWriter(path, table.schema, store_schema=False) as writer:
        for _ in range(groups):
            writer.write_table(table, row_group_size=rows)
    return path


def shared_text(path: Path) -> Path:
    """Write rows that all refer to one long text in the dictionary of the column. Return `path`."""
    rows = 1 << 16
    same = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), pa.array(["x" * (1 << 16)]))
    table = pa.table({"user_id": same, "item_id": np.arange(rows)})
    if path.suffix == ".parquet":
        pq.write_table(table, path, compression="zstd", store_schema=False)
    else:
        with pa.ipc.new_file(path, table.schema) as writer:
            writer.write_table(table)
    return path


def arrow_bomb(path: Path, codec: str = "zstd") -> Path:
    """Write compressed batches of zeros. Return `path`."""
    zeros = np.zeros(BLOCK_BYTES // 16, np.int64)
    batch = pa.record_batch({"user_id": zeros, "item_id": zeros})
    options = pa.ipc.IpcWriteOptions(compression=codec)
    with pa.ipc.new_file(path, batch.schema, options=options) as writer:
        for _ in range(BLOCKS):
            writer.write_batch(batch)
    return path


def varint(number: int) -> bytes:
    """Return a signed integer as Thrift's compact protocol writes it."""
    raw, data = number << 1, bytearray()
    while raw >= 0x80:
        data.append(raw & 0x7F | 0x80)
        raw >>= 7
    return bytes([*data, raw])


def replaced(path: Path, old: bytes, new: bytes, times: int) -> Path:
    """Replace `old` by `new`, of the same length, in the file at `path`, where it must occur `times` times."""
    content = path.read_bytes()
    assert len(old) == len(new)
    assert content.count(old) == times
    path.write_bytes(content.replace(old, new))
    return path
