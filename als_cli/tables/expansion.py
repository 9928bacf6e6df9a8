"""Limits on compressed tables: a small file must not expand until memory or disk is exhausted.

Each limit is a rate that no file of real events can reach. An event has at least a user and an item, which take more
than two bits of the compressed file.
"""

import io
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import polars as pl

from als_cli.config.source import ColumnRef, TableFormat
from als_cli.errors import DataError, counted
from als_cli.tables.arrow_sizes import arrow_sizes
from als_cli.tables.decompression import Content, is_zip, open_decompressed
from als_cli.tables.delimited import is_utf8
from als_cli.tables.parquet_sizes import parquet_sizes

MAXIMUM_RATIO = 200
"""Maximum number of bytes after decompression per stored byte. Events in text have a ratio of 3 to 30."""
BYTES_WITHOUT_LIMIT = 1 << 30
"""A table up to this size after decompression is read at any ratio."""
MAXIMUM_ROWS_PER_BYTE = 8
"""Maximum number of rows per stored byte of Parquet and Arrow: one bit per row."""
ROWS_WITHOUT_LIMIT = 1 << 24
"""A table of Parquet or Arrow up to this number of rows is read at any rate."""
MAXIMUM_LINE_BYTES = 1 << 26
"""Maximum length of a line of compressed text. A line is read as a whole."""
_PIECE_BYTES = 1 << 20
_LINE_ENDS_TRIED = 64
_DEFLATE_RATIO = 1032
"""The maximum ratio that gzip and zip can express."""
_ZLIB = (b"\x78\x01", b"\x78\x9c", b"\x78\xda")


def check_expansion(content: Content, name: str, kind: str, fmt: TableFormat) -> int:
    """Return how many bytes of text a column of table `name` can have at most; 0 for text files, which count all text.

    The sizes of Parquet and Arrow are declared in the file, per page and per buffer. But rows of one column can share
    their text, so each row could have all bytes of the file. Text files are decompressed in pieces. `kind` is csv,
    ndjson, parquet or ipc.

    Raises
    ------
    DataError
        The table exceeds a limit, or the sizes cannot be read. The message names the limit.
    """
    with _open_stored(content) as stored:
        size = stored.seek(0, io.SEEK_END)
        if kind in ("parquet", "ipc"):
            expanded, rows = parquet_sizes(stored) if kind == "parquet" else arrow_sizes(stored)
            _check_bytes(expanded, size, name, "write it with less compression")
            _check_rows(rows, size, name)
            return rows * expanded
        stored.seek(0)
        first_bytes = stored.read(4)
    if is_utf8(fmt.encoding) and first_bytes[:2] in _ZLIB:
        raise DataError(
            f"{name} is compressed with zlib", hint="compress it with gzip or zstd, or not at all"
        )
    is_gzip = first_bytes[:2] == b"\x1f\x8b"
    is_zstd = first_bytes == b"\x28\xb5\x2f\xfd"
    if is_zstd or ((is_gzip or is_zip(content)) and size * _DEFLATE_RATIO > MAXIMUM_LINE_BYTES):
        has_quotes = kind == "csv" and fmt.quote != "none" and is_utf8(fmt.encoding)
        # Some encodings have another byte at the end of a line, for example EBCDIC.
        has_lines = b"\n" in "\n".encode(fmt.encoding)
        _check_text(content, size, name, fmt.quote.encode() if has_quotes else b"", has_lines=has_lines)
    return 0


def check_text_columns(frame: pl.LazyFrame, refs: Iterable[ColumnRef], content: Content, name: str) -> None:
    """Return when the text in each of the columns `refs` of table `name` is within the limits. The columns are read once.

    Raises
    ------
    DataError
        The text of all rows of a column exceeds the limit.
    """
    schema = frame.collect_schema()
    names = schema.names()
    wanted = {
        ref if isinstance(ref, str) else names[ref - 1]
        for ref in refs
        if ref in names or ref in range(1, len(names) + 1)
    }
    sizes = {column: _text_bytes(column, schema[column]) for column in wanted}
    texts = [size.cast(pl.UInt64).sum().alias(column) for column, size in sizes.items() if size is not None]
    if not texts:
        return
    with _open_stored(content) as file:
        stored = file.seek(0, io.SEEK_END)
    found = frame.select(texts).collect(engine="streaming").row(0, named=True)
    for column, expanded in found.items():
        _check_bytes(expanded, stored, f"column {column!r} of {name}", "shorten its text")


def _text_bytes(column: str, dtype: pl.DataType) -> pl.Expr | None:
    if dtype == pl.Binary:
        return pl.col(column).bin.size()
    if isinstance(dtype, (pl.Categorical, pl.Enum)):
        return pl.col(column).cat.len_bytes()  # a cast to text would copy the text of each row
    return pl.col(column).str.len_bytes() if dtype == pl.String else None


def _open_stored(content: Content) -> BinaryIO:
    return content.open("rb") if isinstance(content, Path) else io.BytesIO(content)


def _check_bytes(expanded: int, stored: int, name: str, remedy: str) -> None:
    if expanded > BYTES_WITHOUT_LIMIT and expanded > MAXIMUM_RATIO * stored:
        raise DataError(
            f"{name} expands to {expanded:,} bytes or more, over {MAXIMUM_RATIO} times the {stored:,} bytes of the file,"
            " which als does not read",
            hint=f"check the source of the file; if its content is right, {remedy}",
        )


def _check_rows(rows: int, stored: int, name: str) -> None:
    if rows > ROWS_WITHOUT_LIMIT and rows > MAXIMUM_ROWS_PER_BYTE * stored:
        raise DataError(
            f"{name} has {counted(stored, 'byte')} and {counted(rows, 'row')}; als reads at most {MAXIMUM_ROWS_PER_BYTE} rows per byte",
            hint="check the source of the file; if its content is right, remove repeated rows",
        )


def _check_text(content: Content, stored: int, name: str, quote: bytes, *, has_lines: bool) -> None:
    expanded, without_end, in_quotes = 0, 0, False
    with open_decompressed(content) as stream:
        while piece := stream.read(_PIECE_BYTES):
            expanded += len(piece)
            _check_bytes(expanded, stored, name, "decompress it first")
            ends, in_quotes = _ends_line(piece, quote, in_quotes=in_quotes)
            without_end = 0 if ends or not has_lines else without_end + len(piece)
            if without_end > MAXIMUM_LINE_BYTES:
                raise DataError(
                    f"{name} has a line of more than {MAXIMUM_LINE_BYTES >> 20} MiB after decompression",
                    hint="check the source of the file; if a quote is opened and never closed, set `quote: none`"
                    " for this source",
                )


def _ends_line(piece: bytes, quote: bytes, *, in_quotes: bool) -> tuple[bool, bool]:
    """Return whether a line outside quotes ends in `piece`, and whether its last byte is in quotes.

    Only the first line ends of the piece are examined. A piece with more of them in quotes counts as one without end.
    """
    ends_in_quotes = in_quotes ^ _is_odd(piece, quote, 0, len(piece))
    start = 0
    for _ in range(_LINE_ENDS_TRIED):
        end = piece.find(b"\n", start)
        if end < 0:
            break
        in_quotes ^= _is_odd(piece, quote, start, end)
        if not in_quotes:
            return True, ends_in_quotes
        start = end + 1
    return False, ends_in_quotes


def _is_odd(piece: bytes, quote: bytes, start: int, end: int) -> bool:
    return bool(quote) and piece.count(quote, start, end) % 2 == 1
