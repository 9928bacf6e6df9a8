"""Writers of tables to a binary stream, frame by frame: Parquet, CSV, NDJSON, Arrow IPC and key-value pairs."""

import io
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from als_cli.config.output import KeyValueConfig
from als_cli.errors import ConfigError
from als_cli.storage.sinks.key_values import KeyValueWriter


class TableWriter(Protocol):
    """Writes one table to a stream, which the caller must close.

    Errors of the stream (full disk, broken pipe) are raised unchanged, because Python writes to the stream.
    """

    def write(self, frame: pl.DataFrame) -> None:
        """Append the rows of `frame`, which must have the schema of the table."""
        ...

    def close(self) -> None:
        """Write the end of the table."""
        ...


@dataclass(frozen=True)
class TableOptions:
    """How files are written. The first three fields are of Parquet."""

    compression: str = "zstd"
    level: int | None = None
    row_group_rows: int = 122_880
    key_value: KeyValueConfig = field(default_factory=KeyValueConfig)
    """Keys and commands of the formats kv and resp."""
    layout: str = "rows"
    """rows or lists."""


def table_writer(
    format_name: str,
    stream: BinaryIO,
    schema: pl.Schema,
    *,
    seekable: bool = True,
    options: TableOptions = TableOptions(),
) -> TableWriter:
    """Return a writer of `format_name` (parquet, csv, ndjson, ipc, kv, resp) to `stream`.

    For a stream that is not `seekable`, for example a pipe, `ipc` is the Arrow stream format instead of the file format.

    Raises
    ------
    ConfigError
        There is no format `format_name`.
    """
    if format_name == "parquet":
        return _ParquetWriter(stream, schema, options)
    if format_name == "csv":
        return _CsvWriter(stream, schema)
    if format_name == "ndjson":
        return _NdjsonWriter(stream)
    if format_name == "ipc":
        return _IpcWriter(stream, schema, seekable=seekable)
    if format_name in ("kv", "resp"):
        return KeyValueWriter(stream, options.key_value, options.layout, as_commands=format_name == "resp")
    raise ConfigError(
        f"there is no table format {format_name!r}", hint="use parquet, csv, ndjson, ipc, kv or resp"
    )


class _CsvWriter:
    def __init__(self, stream: BinaryIO, schema: pl.Schema) -> None:
        self._stream = stream
        self._stream.write(pl.DataFrame(schema=schema).write_csv().encode())

    def write(self, frame: pl.DataFrame) -> None:
        self._stream.write(frame.write_csv(include_header=False).encode())

    def close(self) -> None:
        self._stream.flush()


class _NdjsonWriter:
    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, frame: pl.DataFrame) -> None:
        lines = io.BytesIO()  # polars would turn a broken pipe into an error without errno
        frame.write_ndjson(lines)
        self._stream.write(lines.getbuffer())

    def close(self) -> None:
        self._stream.flush()


class _ParquetWriter:
    """Writes row groups of equal size, whatever the sizes of the frames are."""

    def __init__(self, stream: BinaryIO, schema: pl.Schema, options: TableOptions) -> None:
        self._rows = options.row_group_rows
        large = _large_schema(schema)
        self._writer = pq.ParquetWriter(
            stream,
            large,
            # Parquet has only one type of string and of list. Without the schema of Arrow in the file, readers take their
            # own, and no column has to be cast.
            store_schema=False,
            compression=options.compression,
            compression_level=options.level,
            # Scores hardly repeat. The attempt takes as long as the other columns together, and makes the file larger.
            use_dictionary=[path for field in large for path in _repeating(field.name, field.type)],
        )
        self._waiting: list[pl.DataFrame] = []
        self._waiting_rows = 0

    def write(self, frame: pl.DataFrame) -> None:
        if not frame.height:
            return
        self._waiting.append(frame)
        self._waiting_rows += frame.height
        if self._waiting_rows >= self._rows:
            waiting = pl.concat(self._waiting)
            whole = self._waiting_rows - self._waiting_rows % self._rows
            self._write_groups(waiting.head(whole))
            self._waiting, self._waiting_rows = [waiting.slice(whole)], self._waiting_rows - whole

    def close(self) -> None:
        if self._waiting_rows:
            self._write_groups(pl.concat(self._waiting))
        self._waiting, self._waiting_rows = [], 0
        self._writer.close()

    def _write_groups(self, frame: pl.DataFrame) -> None:
        self._writer.write_table(_large_table(frame), row_group_size=self._rows)


class _IpcWriter:
    def __init__(self, stream: BinaryIO, schema: pl.Schema, *, seekable: bool) -> None:
        self._schema = _arrow_schema(schema)
        self._stream = stream
        open_writer = pa.ipc.new_file if seekable else pa.ipc.new_stream
        self._writer = open_writer(pa.PythonFile(stream, "w"), self._schema)

    def write(self, frame: pl.DataFrame) -> None:
        self._writer.write_table(_large_table(frame).cast(self._schema))

    def close(self) -> None:
        self._writer.close()
        self._stream.flush()


def _large_table(frame: pl.DataFrame) -> pa.Table:
    """Return `frame` with large strings and large lists, the form of polars."""
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest())


def _large_schema(schema: pl.Schema) -> pa.Schema:
    return _large_table(pl.DataFrame(schema=schema)).schema


def _arrow_schema(schema: pl.Schema) -> pa.Schema:
    """Return `schema` with plain strings and lists, which all Arrow readers support."""
    return pa.schema([field.with_type(_plain(field.type)) for field in _large_schema(schema)])


def _plain(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_large_string(kind):
        return pa.string()
    if pa.types.is_large_list(kind):
        return pa.list_(_plain(kind.value_type))
    return kind


def _repeating(path: str, kind: pa.DataType) -> list[str]:
    """Return the Parquet paths of the columns below `path` that are not floats."""
    if pa.types.is_large_list(kind):
        return _repeating(f"{path}.list.element", kind.value_type)
    if pa.types.is_struct(kind):
        return [one for field in kind for one in _repeating(f"{path}.{field.name}", field.type)]
    return [] if pa.types.is_floating(kind) else [path]
