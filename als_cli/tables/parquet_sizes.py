"""The size of a Parquet file after decompression, from its footer and the headers of its pages. No page is decoded.

The footer can declare any size. Readers allocate the size in the header of a page, so the headers are read too. A header
is a Thrift structure. Specification: parquet.thrift of apache/parquet-format.
"""

import os
from typing import BinaryIO, NamedTuple

from als_cli.tables.parquet_footer import Chunk, read_footer
from als_cli.tables.thrift import INTEGERS, STRUCT, CompactReader

_MINIMUM_HEADER_READ = 256
_MAXIMUM_HEADER_BYTES = 1 << 24
_UNCOMPRESSED_SIZE, _COMPRESSED_SIZE = 2, 3
_VALUES_OF_KIND = {5: "data", 7: "dictionary", 8: "data"}
"""Fields of PageHeader whose structure has the number of values as its field 1."""


class _Page(NamedTuple):
    header_bytes: int
    stored_bytes: int
    expanded_bytes: int
    data_values: int
    dictionary_values: int


def parquet_sizes(file: BinaryIO) -> tuple[int, int]:
    """Return the bytes of all pages after decompression, and the number of rows, of the Parquet `file`.

    Raises
    ------
    ValueError
        The footer or a page header is broken, or columns overlap.
    """
    size = file.seek(0, os.SEEK_END)
    footer = read_footer(file)
    expanded, stored, rows, most_values = 0, 0, footer.rows, 0
    for group in footer.groups:
        for is_flat, chunk in zip(footer.is_flat, group.chunks, strict=True):
            _check_place(chunk, size)
            pages_bytes, values = _walk(file, chunk, size)
            stored += chunk.stored_bytes
            expanded += max(chunk.expanded_bytes, pages_bytes)
            # A nested column has more values than rows.
            if is_flat or values > chunk.values:
                most_values = max(most_values, values, chunk.values)
        rows = max(rows, group.rows)
    if stored > size:
        raise ValueError(f"its columns have {stored:,} bytes, but the file has {size:,}")
    return expanded, max(rows, most_values)


def _check_place(chunk: Chunk, size: int) -> None:
    if min(chunk.start, chunk.stored_bytes, chunk.values) < 0 or chunk.start > size:
        raise ValueError(f"column {chunk.name!r} is outside the file")


def _walk(file: BinaryIO, chunk: Chunk, size: int) -> tuple[int, int]:
    """Return the bytes after decompression and the number of values of the pages of a column."""
    position, expanded, values, dictionary_values = chunk.start, 0, 0, 0
    end = min(position + chunk.stored_bytes, size)
    while position < end and values < chunk.values:
        page = _page_at(file, position)
        position += page.header_bytes + page.stored_bytes
        expanded += page.header_bytes + page.expanded_bytes
        values += page.data_values
        dictionary_values = max(dictionary_values, page.dictionary_values)
    return expanded, max(values, dictionary_values)


def _page_at(file: BinaryIO, position: int) -> _Page:
    length = _MINIMUM_HEADER_READ
    while True:
        file.seek(position)
        data = file.read(length)
        try:
            return _read_page(data)
        except IndexError:
            # The minimum and maximum of a page with long values are in its header.
            if len(data) < length or length >= _MAXIMUM_HEADER_BYTES:
                raise ValueError(f"the page header at byte {position:,} is not complete") from None
            length *= 8


def _read_page(data: bytes) -> _Page:
    header = CompactReader(data)
    sizes = {_UNCOMPRESSED_SIZE: 0, _COMPRESSED_SIZE: 0}
    values = {"data": 0, "dictionary": 0}
    for field, kind in header.fields():
        if (field in sizes and kind not in INTEGERS) or (field in _VALUES_OF_KIND and kind != STRUCT):
            raise ValueError("a page header has another form")
        if field in sizes:
            sizes[field] = header.integer()
        elif field in _VALUES_OF_KIND:
            values[_VALUES_OF_KIND[field]] = header.first_integer()
        else:
            header.skip(kind)
    if min(*sizes.values(), *values.values()) < 0:
        raise ValueError("a page has a negative size")
    return _Page(
        header.position,
        sizes[_COMPRESSED_SIZE],
        sizes[_UNCOMPRESSED_SIZE],
        values["data"],
        values["dictionary"],
    )
