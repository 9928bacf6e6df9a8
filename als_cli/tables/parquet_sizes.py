"""The size of a Parquet file after decompression, from its footer and the headers of its pages. No page is decoded.

The footer can declare any size. Readers allocate the size in the header of a page, so the headers are read too. A header
is a Thrift structure in the compact protocol. Specifications: parquet.thrift of apache/parquet-format, and
thrift-compact-protocol.md of apache/thrift.
"""

import os
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

import pyarrow.parquet as pq

_BOOLEANS, _BYTE, _INTEGERS, _DOUBLE, _BINARY, _LISTS, _MAP, _STRUCT = (
    (1, 2),
    3,
    (4, 5, 6),
    7,
    8,
    (9, 10),
    11,
    12,
)
"""Types of the compact protocol."""
_MINIMUM_HEADER_READ = 256
_MAXIMUM_HEADER_BYTES = 1 << 24
_MAXIMUM_DEPTH, _MAXIMUM_SHIFT = 16, 63
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
        A page header is broken, or columns overlap. Arrow's errors for a broken footer are of this class too.
    """
    size = file.seek(0, os.SEEK_END)
    footer = pq.ParquetFile(file).metadata
    flat = [footer.schema.column(n).max_repetition_level == 0 for n in range(footer.num_columns)]
    expanded, stored, rows, most_values = 0, 0, footer.num_rows, 0
    for number in range(footer.num_row_groups):
        group = footer.row_group(number)
        for column in range(group.num_columns):
            chunk = group.column(column)
            _check_place(chunk, size)
            pages_bytes, values = _walk(file, chunk, size)
            stored += chunk.total_compressed_size
            expanded += max(chunk.total_uncompressed_size, pages_bytes)
            # A nested column has more values than rows.
            if flat[column] or values > chunk.num_values:
                most_values = max(most_values, values, chunk.num_values)
        rows = max(rows, group.num_rows)
    if stored > size:
        raise ValueError(f"its columns have {stored:,} bytes, but the file has {size:,}")
    return expanded, max(rows, most_values)


def _check_place(chunk: pq.ColumnChunkMetaData, size: int) -> None:
    start = _start(chunk)
    if min(start, chunk.total_compressed_size, chunk.num_values) < 0 or start > size:
        raise ValueError(f"column {chunk.path_in_schema!r} is outside the file")


def _start(chunk: pq.ColumnChunkMetaData) -> int:
    first = chunk.dictionary_page_offset
    offset: int = chunk.data_page_offset
    return min(first, offset) if first else offset


def _walk(file: BinaryIO, chunk: pq.ColumnChunkMetaData, size: int) -> tuple[int, int]:
    """Return the bytes after decompression and the number of values of the pages of a column."""
    position, expanded, values, dictionary_values = _start(chunk), 0, 0, 0
    end = min(position + chunk.total_compressed_size, size)
    while position < end and values < chunk.num_values:
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
    header = _Compact(data)
    sizes = {_UNCOMPRESSED_SIZE: 0, _COMPRESSED_SIZE: 0}
    values = {"data": 0, "dictionary": 0}
    for field, kind in header.fields():
        if field in sizes and kind in _INTEGERS:
            sizes[field] = header.integer()
        elif field in _VALUES_OF_KIND and kind == _STRUCT:
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


class _Compact:
    """Reads a structure in the compact protocol. Data that end too early raise an IndexError."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.position = 0

    def fields(self) -> Iterator[tuple[int, int]]:
        """Yield number and type of each field of the structure here. The caller reads or skips each value."""
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self.integer()
            yield number, head & 15

    def integer(self) -> int:
        """Return the signed integer here."""
        raw = self._varint()
        return (raw >> 1) ^ -(raw & 1)

    def first_integer(self) -> int:
        """Return field 1 of the structure here, an integer; 0 if it is absent."""
        found = 0
        for number, kind in self.fields():
            if number == 1 and kind in _INTEGERS:
                found = self.integer()
            else:
                self.skip(kind)
        return found

    def skip(self, kind: int, depth: int = 0) -> None:
        """Skip the value here, of type `kind`, in a field of a structure."""
        if depth > _MAXIMUM_DEPTH:
            raise ValueError("a page header is nested too deeply")
        if kind in _INTEGERS:
            self._varint()
        elif kind == _STRUCT:
            for _, of_field in self.fields():
                self.skip(of_field, depth + 1)
        elif kind in (*_LISTS, _MAP):
            self._skip_elements(kind, depth)
        else:
            self._advance(self._width(kind))

    def _skip_elements(self, kind: int, depth: int) -> None:
        if kind == _MAP:
            count = self._varint()
            types = self._byte() if count else 0
            kinds: tuple[int, ...] = (types >> 4, types & 15)
        else:
            head = self._byte()
            count = self._varint() if head >> 4 == 15 else head >> 4
            kinds = (head & 15,)
        for _ in range(count):
            for of_element in kinds:
                if of_element in _BOOLEANS:
                    self._advance(1)
                else:
                    self.skip(of_element, depth + 1)

    def _width(self, kind: int) -> int:
        if kind in _BOOLEANS:
            return 0  # the type is the value
        if kind == _BINARY:
            return self._varint()
        if kind not in (_BYTE, _DOUBLE):
            raise ValueError(f"a page header has the unknown type {kind}")
        return 1 if kind == _BYTE else 8

    def _advance(self, width: int) -> None:
        self.position += width
        if self.position > len(self._data):
            raise IndexError("the data end in a value")

    def _byte(self) -> int:
        byte = self._data[self.position]
        self.position += 1
        return byte

    def _varint(self) -> int:
        number, shift = 0, 0
        while shift <= _MAXIMUM_SHIFT:
            byte = self._byte()
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number
            shift += 7
        raise ValueError("a page header has an integer of more than 64 bits")
