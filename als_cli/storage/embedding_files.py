"""Embeddings on disk: users.parquet and items.parquet, with the ids of the events and float32 vectors."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from als_cli.arrays import Float32Array

USERS, ITEMS = "users.parquet", "items.parquet"
EMBEDDING = "embedding"
_ROW_GROUP_ROWS = 65_536


class EmbeddingWriter:
    """Writes vectors of one side, block by block."""

    def __init__(self, writer: pq.ParquetWriter, schema: pa.Schema) -> None:
        self._writer, self._schema = writer, schema

    def write(self, columns: pl.DataFrame, vectors: Float32Array) -> None:
        """Append the vectors (B, f) of the ids in the first column of `columns` (B rows)."""
        if not columns.height:
            return
        values = pa.array(np.ascontiguousarray(vectors, dtype=np.float32).reshape(-1))
        table = columns.to_arrow(compat_level=pl.CompatLevel.oldest())
        table = table.append_column(EMBEDDING, pa.FixedSizeListArray.from_arrays(values, vectors.shape[1]))
        self._writer.write_table(table.cast(self._schema), row_group_size=_ROW_GROUP_ROWS)


@contextmanager
def embedding_writer(path: Path, schema: pl.Schema, dimensions: int) -> Iterator[EmbeddingWriter]:
    """Yield a writer of a table with the columns of `schema`, then `embedding` with `dimensions` numbers."""
    columns = pl.DataFrame(schema=schema).to_arrow(compat_level=pl.CompatLevel.oldest()).schema
    plain = [
        field.with_type(pa.string()) if pa.types.is_large_string(field.type) else field for field in columns
    ]
    whole = pa.schema([*plain, pa.field(EMBEDDING, pa.list_(pa.float32(), dimensions))])
    # Dictionaries and statistics of vectors only cost space.
    names = [field.name for field in plain]
    with (
        path.open("wb") as stream,
        pq.ParquetWriter(
            stream, whole, compression="zstd", use_dictionary=names, write_statistics=names
        ) as writer,
    ):
        yield EmbeddingWriter(writer, whole)
