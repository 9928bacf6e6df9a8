"""Samples of tables: the first rows, and rows of other places, within bounded memory and time."""

import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from als_cli.config.source import TableFormat
from als_cli.errors import DataError
from als_cli.guessing.facts import is_pattern
from als_cli.guessing.names import likely_names
from als_cli.guessing.text_shape import TextShape, encoding_of, text_shape
from als_cli.tables.column_types import check_schema
from als_cli.tables.decompression import open_decompressed, size_inside
from als_cli.tables.formats import format_of
from als_cli.tables.long_lines import TOO_LONG, long_line_error
from als_cli.tables.partitions import with_partitions
from als_cli.tables.scan import reading

MAXIMUM_ROWS = 120_000
"""Maximum number of rows of a sample."""
_MAXIMUM_CELLS = 2_000_000
_HEAD_BYTES = 4 << 20
_CHUNK_BYTES = 256 << 10
_CHUNKS = 4
"""Number of places beside the first rows: the last of them is the end of the file."""
_SHAPE_BYTES = 128 << 10
_BATCH_ROWS = 4096
_LINES_IN_QUOTES = 100
"""Maximum number of lines of a field in quotes at the end of the first rows."""
_SLICED_BYTES = 128 << 20
"""Maximum number of bytes of row groups that are decoded to read rows in their middle."""


@dataclass(frozen=True)
class Sample:
    """Rows of one file."""

    path: str
    kind: str
    """csv, parquet, ndjson or ipc."""
    frame: pl.DataFrame
    """The first rows, then the rows of the other places. Columns of delimited text are String."""
    first: int
    """The number of the first rows. They are consecutive rows of the file."""
    rows: int
    """Rows of the file: exact if `is_exact`, otherwise an estimate."""
    is_exact: bool
    shape: TextShape | None
    """The shape of delimited text."""

    @property
    def is_complete(self) -> bool:
        """Whether the sample has all rows of the file."""
        return self.is_exact and self.frame.height == self.rows

    @property
    def format_key(self) -> tuple[object, ...]:
        """The parts of the shape that a source of the config has in common for all its files."""
        shape = self.shape
        return () if shape is None else (shape.separator, shape.header, shape.quote, shape.encoding)


def read_sample(path: str, *, share: float = 1.0, wanted: Collection[str] = ()) -> Sample:
    """Return a sample of the file at `path`. `share` is the fraction of MAXIMUM_ROWS that it may have.

    Of many columns, it has the `wanted` ones and those with the likeliest names.

    Raises
    ------
    DataError
        The file is empty, or no table that als reads.
    """
    file = Path(path)
    with reading(path):
        kind = format_of(path, file, TableFormat())
        is_typed = kind in ("parquet", "ipc")
        sample = _typed(path, kind, share, wanted) if is_typed else _text(path, kind, share)
        likely = sample.frame[likely_names(sample.frame.columns, wanted)]
        frame = with_partitions(likely.lazy(), path).collect()
    return Sample(path, kind, frame, sample.first, sample.rows, sample.is_exact, sample.shape)


def _rows_allowed(columns: int, share: float) -> int:
    return max(100, int(min(MAXIMUM_ROWS, _MAXIMUM_CELLS // max(1, columns)) * share))


def _text(path: str, kind: str, share: float) -> Sample:
    size = size_inside(Path(path))
    with open_decompressed(Path(path)) as stream:
        is_compressed = not isinstance(stream, io.BufferedReader)
        head = stream.read(max(_SHAPE_BYTES, int(_HEAD_BYTES * share)))
        is_whole = not stream.read(1)
    if not head.strip():
        raise pl.exceptions.NoDataError("no bytes")
    text = head if is_whole else head[: head.rfind(b"\n") + 1] or head
    chunks = [] if is_whole or is_compressed else _chunks(Path(path), size, len(head))
    encoding = encoding_of([text, *chunks], path) if kind == "csv" else "utf-8"
    chunks = [] if encoding == "utf-16" else chunks
    start = head[:_SHAPE_BYTES]
    shape = text_shape(start, encoding, path, is_whole=is_whole and start == head) if kind == "csv" else None
    if shape is not None and not is_whole:
        text = _without_open_quote(text, shape.quote)
    first = _parsed(text, shape, path, encoding)
    allowed = _rows_allowed(first.width, share)
    others = [_parsed_chunk(chunk, shape, first, encoding) for chunk in chunks]
    kept = first.head(allowed // 2 if chunks else allowed)
    parts = [kept, *(part.head(allowed // (2 * _CHUNKS)) for part in others if part is not None)]
    frame = pl.concat(parts, how="diagonal_relaxed")
    rows = first.height if is_whole else max(first.height, int(size / max(1, len(text)) * first.height))
    return Sample(path, kind, frame, kept.height, rows, is_whole, shape)


def _without_open_quote(text: bytes, quote: str) -> bytes:
    """Return the lines of `text` up to a line end outside quotes."""
    mark = b"" if quote == "none" else quote.encode()
    for _ in range(_LINES_IN_QUOTES):
        if not mark or text.count(mark) % 2 == 0:
            break
        shorter = text[: text[:-1].rfind(b"\n") + 1]
        if not shorter:
            break
        text = shorter
    return text


def _chunks(path: Path, size: int, start: int) -> list[bytes]:
    """Return complete lines from places spread over the bytes after `start`; the last one is the end."""
    length = min(_CHUNK_BYTES, max(0, size - start) // _CHUNKS)
    found = []
    with path.open("rb") as file:
        for number in range(1, _CHUNKS + 1):
            file.seek(start + (size - start) * number // _CHUNKS - length)
            chunk = file.read(length)
            lines = chunk[chunk.find(b"\n") + 1 : chunk.rfind(b"\n") + 1]
            found += [lines] if lines.strip() else []
    return found


def _parsed(text: bytes, shape: TextShape | None, path: str, encoding: str) -> pl.DataFrame:
    if shape is None:
        return pl.read_ndjson(io.BytesIO(text), infer_schema_length=None)
    if encoding != "utf-8":
        text = text.decode(encoding, errors="replace").encode()
    try:
        frame = _csv(text, shape, has_header=shape.header, is_strict=True)
    except pl.exceptions.ComputeError as broken:
        if TOO_LONG not in str(broken):
            raise
        raise long_line_error(path, shape.format) from broken
    if frame.width == 0 or frame.height == 0:
        raise DataError(f"{path} has no rows", hint="check the export that wrote the file")
    if not shape.header:
        frame.columns = [str(number) for number in range(1, frame.width + 1)]
    return frame


def _parsed_chunk(
    text: bytes, shape: TextShape | None, first: pl.DataFrame, encoding: str
) -> pl.DataFrame | None:
    """Return the rows of a chunk, None if it starts inside a quoted field or does not fit the first rows."""
    try:
        if shape is None:
            return pl.read_ndjson(io.BytesIO(text), infer_schema_length=None).cast(first.schema)
        if encoding != "utf-8":
            text = text.decode(encoding, errors="replace").encode()
        frame = _csv(text, shape, has_header=False, is_strict=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return None
    if frame.width != first.width:
        return None
    frame.columns = first.columns
    return frame


def _csv(text: bytes, shape: TextShape, *, has_header: bool, is_strict: bool) -> pl.DataFrame:
    """Return the rows of `text`. If not `is_strict`, a line may have more fields than the first one."""
    return pl.read_csv(
        io.BytesIO(text),
        has_header=has_header,
        separator=shape.separator,
        quote_char=None if shape.quote == "none" else shape.quote,
        infer_schema=False,
        truncate_ragged_lines=not is_strict,
        encoding="utf8-lossy",
    )


def _typed(path: str, kind: str, share: float, wanted: Collection[str]) -> Sample:
    if kind == "parquet":
        return _parquet(path, share, wanted)
    with pa.memory_map(path) as source:
        reader = pa.ipc.open_file(source)
        check_schema(reader.schema, path)
        count = reader.num_record_batches
        allowed = _rows_allowed(len(reader.schema), share)
        numbers = _places(count)
        parts = [reader.get_batch(number) for number in numbers]
        share_of = (
            [allowed // max(1, len(numbers))] * len(numbers) if len(numbers) < count else [allowed] * count
        )
        tables = [
            pa.Table.from_batches([part.slice(0, limit)]) for part, limit in zip(parts, share_of, strict=True)
        ]
        heights = [part.num_rows for part in parts]
        rows = sum(heights) if len(numbers) == count else int(sum(heights) / len(heights) * count)
        return _from_arrow(path, kind, tables, rows, is_exact=len(numbers) == count, schema=reader.schema)


def _parquet(path: str, share: float, wanted: Collection[str]) -> Sample:
    with pq.ParquetFile(path, pre_buffer=False, memory_map=True) as file:
        check_schema(file.schema_arrow, path)
        groups, rows = file.metadata.num_row_groups, file.metadata.num_rows
        names = likely_names(file.schema_arrow.names, wanted)
        allowed = _rows_allowed(len(names), share)
        numbers = range(groups) if rows <= allowed else _places(groups)
        limit = allowed if rows <= allowed else allowed // max(1, len(numbers))
        size = sum(file.metadata.row_group(number).total_byte_size for number in numbers)
        if rows > allowed and groups <= _CHUNKS and size <= _SLICED_BYTES:
            tables = _slices(path, names, rows, allowed // (_CHUNKS + 1))
        else:
            tables = [_first_rows(file, names, number, limit) for number in numbers]
        return _from_arrow(path, "parquet", tables, rows, is_exact=True, schema=file.schema_arrow)


def _slices(path: str, names: Sequence[str], rows: int, limit: int) -> list[pa.Table]:
    """Return `limit` rows from each of several places of a file with few row groups."""
    scan = pl.scan_parquet(path, glob=False)
    if len(names) < len(scan.collect_schema()):
        scan = scan.select(pl.col([name for name in names if not is_pattern(name)]))
    starts = [(rows - limit) * number // _CHUNKS for number in range(_CHUNKS + 1)]
    return [frame.to_arrow() for frame in pl.collect_all([scan.slice(start, limit) for start in starts])]


def _first_rows(file: pq.ParquetFile, names: Sequence[str], group: int, limit: int) -> pa.Table:
    schema = pa.schema([file.schema_arrow.field(name) for name in names])
    batches, rows = [], 0
    size = min(limit, _BATCH_ROWS)
    for batch in file.iter_batches(
        batch_size=size, row_groups=[group], columns=list(names), use_threads=False
    ):
        batches.append(batch.slice(0, limit - rows))
        rows += batch.num_rows
        if rows >= limit:
            break
    return pa.Table.from_batches(batches).select(list(names)) if batches else schema.empty_table()


def _from_arrow(
    path: str, kind: str, tables: Sequence[pa.Table], rows: int, *, is_exact: bool, schema: pa.Schema
) -> Sample:
    whole = pa.concat_tables(tables) if tables else schema.empty_table()
    frame = pl.from_arrow(whole)
    if not isinstance(frame, pl.DataFrame) or frame.height == 0:
        raise DataError(f"{path} has no rows", hint="check the export that wrote the file")
    frame.columns = whole.column_names  # polars renames a column without a name
    return Sample(path, kind, frame, tables[0].num_rows, rows, is_exact, None)


def _places(count: int) -> list[int]:
    """Return the numbers of at most _CHUNKS + 1 parts of `count`, spread from the first to the last."""
    if count <= _CHUNKS + 1:
        return list(range(count))
    return sorted({round(number * (count - 1) / _CHUNKS) for number in range(_CHUNKS + 1)})
