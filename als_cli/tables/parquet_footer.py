"""The footer of a Parquet file: row groups, columns and the sizes that they declare.

pyarrow ends the process for some broken footers, when it opens the metadata of a column. So als-cli reads the footer itself.
Specification: parquet.thrift of apache/parquet-format.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO, NamedTuple, TypeVar

from als_cli.tables.thrift import BINARY, INTEGERS, LISTS, STRUCT, CompactReader

_MAGIC = b"PAR1"
_TAIL_BYTES = len(_MAGIC) + 4
_REPEATED = 2
_MAXIMUM_NESTING = 100
_T = TypeVar("_T")


class Chunk(NamedTuple):
    """A column of a row group, as the footer declares it."""

    name: str
    """Its path in the schema, separated by dots."""
    start: int
    """Byte of the file at which its first page begins."""
    values: int
    stored_bytes: int
    expanded_bytes: int
    """Size after decompression."""


class RowGroup(NamedTuple):
    """A row group, as the footer declares it."""

    rows: int
    chunks: tuple[Chunk, ...]


class Footer(NamedTuple):
    """The footer of a file."""

    rows: int
    is_flat: tuple[bool, ...]
    """Whether a column has one value per row. Other columns are in lists or maps."""
    groups: tuple[RowGroup, ...]


def read_footer(file: BinaryIO) -> Footer:
    """Return the footer of the Parquet `file`.

    Raises
    ------
    ValueError
        The file is not Parquet, or the footer is broken or encrypted.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - _TAIL_BYTES, 0))
    tail = file.read(_TAIL_BYTES)
    length = int.from_bytes(tail[:4], "little")
    if tail[4:] != _MAGIC or length > size - _TAIL_BYTES:
        raise ValueError("it does not end with the footer of an unencrypted Parquet file")
    file.seek(size - _TAIL_BYTES - length)
    reader = CompactReader(file.read(length))
    try:
        footer = _footer(reader)
    except IndexError:
        raise ValueError("its Parquet footer is not complete") from None
    # polars could find other columns in a footer that readers understand in different ways.
    if reader.position != length:
        raise ValueError("its Parquet footer ends too early")
    return footer


def _footer(reader: CompactReader) -> Footer:
    rows = 0
    schema: tuple[tuple[bool, int], ...] = ()
    groups: tuple[RowGroup, ...] = ()
    for number, kind in reader.fields():
        if number == 2:
            schema = _structures(reader, kind, _schema_element)
        elif number == 3:
            rows = _integer(reader, kind)
        elif number == 4:
            groups = _structures(reader, kind, _row_group)
        else:
            reader.skip(kind)
    is_flat = _flat_columns(schema)
    if not schema or rows < 0 or any(len(group.chunks) != len(is_flat) for group in groups):
        raise ValueError("its Parquet footer has no schema, or its parts do not agree")
    return Footer(rows, is_flat, groups)


def _check(*, is_right: bool) -> None:
    if not is_right:
        raise ValueError("its Parquet footer has another form")


def _integer(reader: CompactReader, kind: int) -> int:
    _check(is_right=kind in INTEGERS)
    return reader.integer()


def _structures(reader: CompactReader, kind: int, read: Callable[[CompactReader], _T]) -> tuple[_T, ...]:
    """Return the structures of the list here, a value of type `kind`."""
    _check(is_right=kind in LISTS)
    count, kind_of_element = reader.elements()
    _check(is_right=not count or kind_of_element == STRUCT)
    return tuple(read(reader) for _ in range(count))


def _integers(reader: CompactReader, wanted: Mapping[int, str]) -> dict[str, int]:
    """Return the integers of the structure here with the numbers `wanted`, 0 if they are absent."""
    found = dict.fromkeys(wanted.values(), 0)
    for number, kind in reader.fields():
        if number in wanted:
            found[wanted[number]] = _integer(reader, kind)
        else:
            reader.skip(kind)
    return found


def _schema_element(reader: CompactReader) -> tuple[bool, int]:
    """Return whether the element is repeated, and the number of its children."""
    found = _integers(reader, {3: "repetition", 5: "children"})
    return found["repetition"] == _REPEATED, found["children"]


def _flat_columns(schema: tuple[tuple[bool, int], ...]) -> tuple[bool, ...]:
    """Return for each column whether neither it nor an element around it is repeated. The first element is the root."""
    elements, flat = iter(schema), list[bool]()
    _, children = next(elements, (False, 0))
    _add_columns(elements, children, flat, depth=0, is_inside=False)
    if next(elements, None) is not None:
        raise ValueError("its Parquet schema is broken")
    return tuple(flat)


def _add_columns(
    elements: Iterator[tuple[bool, int]], count: int, flat: list[bool], *, depth: int, is_inside: bool
) -> None:
    """Add the columns below the next `count` elements to `flat`. `is_inside`: an element around them is repeated."""
    if depth > _MAXIMUM_NESTING:
        raise ValueError("its Parquet schema is nested too deeply")
    for _ in range(count):
        is_repeated, children = next(elements, (False, -1))
        if children < 0:
            raise ValueError("its Parquet schema is broken")
        if children:
            _add_columns(elements, children, flat, depth=depth + 1, is_inside=is_inside or is_repeated)
        else:
            flat.append(not (is_inside or is_repeated))


def _row_group(reader: CompactReader) -> RowGroup:
    rows = 0
    chunks: tuple[Chunk, ...] = ()
    for number, kind in reader.fields():
        if number == 1:
            chunks = _structures(reader, kind, _column)
        elif number == 3:
            rows = _integer(reader, kind)
        else:
            reader.skip(kind)
    return RowGroup(rows, chunks)


def _column(reader: CompactReader) -> Chunk:
    found = None
    for number, kind in reader.fields():
        if number == 3:
            _check(is_right=kind == STRUCT)
            found = _chunk(reader)
        else:
            reader.skip(kind)
    if found is None:
        raise ValueError("a column has no metadata, or they are encrypted")
    return found


def _chunk(reader: CompactReader) -> Chunk:
    name = ""
    wanted = {5: "values", 6: "expanded", 7: "stored", 9: "data", 11: "dictionary"}
    found = dict.fromkeys(wanted.values(), 0)
    for number, kind in reader.fields():
        if number in wanted:
            found[wanted[number]] = _integer(reader, kind)
        elif number == 3:
            _check(is_right=kind in LISTS)
            name = _path(reader)
        else:
            reader.skip(kind)
    first = found["dictionary"]
    start = min(first, found["data"]) if first else found["data"]
    return Chunk(name, start, found["values"], found["stored"], found["expanded"])


def _path(reader: CompactReader) -> str:
    count, kind = reader.elements()
    _check(is_right=not count or kind == BINARY)
    return ".".join(reader.text() for _ in range(count))
