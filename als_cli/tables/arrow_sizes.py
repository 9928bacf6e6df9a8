"""The size of an Arrow IPC file after decompression, from its metadata. No buffer is decompressed.

A compressed buffer begins with its size after decompression, which readers allocate. The metadata are FlatBuffers.
Specification: "IPC File Format" of Apache Arrow, with File.fbs, Message.fbs and Schema.fbs.
"""

import os
import struct
from collections.abc import Iterator
from typing import BinaryIO

_MAGIC = b"ARROW1"
_FOOTER_DICTIONARIES, _FOOTER_BATCHES = 2, 3
_MESSAGE_HEADER = 2
_BATCH_ROWS, _BATCH_BUFFERS, _BATCH_COMPRESSION = 0, 2, 3
_DICTIONARY_BATCH = 1
_BLOCK, _BUFFER = struct.Struct("<qi4xq"), struct.Struct("<qq")
_CONTINUATION = b"\xff\xff\xff\xff"
_SIZE_BYTES = 8
_NOT_COMPRESSED = -1


def arrow_sizes(file: BinaryIO) -> tuple[int, int]:
    """Return the bytes of all buffers after decompression, and the number of rows, of the Arrow IPC `file`.

    Both are 0 if the file does not end as an Arrow file does. Readers refuse it.

    Raises
    ------
    ValueError
        The metadata are broken.
    """
    size = file.seek(0, os.SEEK_END)
    tail = len(_MAGIC) + 4
    ending = _read(file, size - tail, tail) if size >= tail else b""
    if ending[4:] != _MAGIC:
        return 0, 0
    try:
        length = _number("<i", ending, 0)
        footer = _Table.root(_read(file, size - tail - length, length))
        expanded, rows = 0, 0
        for field in (_FOOTER_DICTIONARIES, _FOOTER_BATCHES):
            for offset, metadata_bytes, _ in footer.structures(field, _BLOCK):
                message = _Table.root(_read(file, offset, metadata_bytes).removeprefix(_CONTINUATION)[4:])
                batch = message.table(_MESSAGE_HEADER)
                if field == _FOOTER_DICTIONARIES:
                    batch = batch.table(_DICTIONARY_BATCH)
                expanded += _batch_bytes(file, batch, offset + metadata_bytes)
                rows += batch.long(_BATCH_ROWS)
    except struct.error as broken:
        raise ValueError("its Arrow metadata are broken") from broken
    return expanded, rows


def _batch_bytes(file: BinaryIO, batch: "_Table", body: int) -> int:
    """Return the bytes of the buffers of `batch`, whose body begins at byte `body` of the file."""
    is_compressed = batch.has(_BATCH_COMPRESSION)
    total = 0
    for offset, length in batch.structures(_BATCH_BUFFERS, _BUFFER):
        expanded = length
        if is_compressed and length >= _SIZE_BYTES:
            declared = _number("<q", _read(file, body + offset, _SIZE_BYTES), 0)
            expanded = length if declared == _NOT_COMPRESSED else declared
        if expanded < 0:
            raise ValueError("a buffer has a negative size")
        total += expanded
    return total


def _read(file: BinaryIO, offset: int, length: int) -> bytes:
    if offset < 0 or length < 0:
        raise ValueError("its Arrow metadata are broken")
    file.seek(offset)
    return file.read(length)


def _number(form: str, data: bytes, position: int) -> int:
    if position < 0:  # struct would count from the end
        raise ValueError("its Arrow metadata are broken")
    number: int = struct.unpack_from(form, data, position)[0]
    return number


class _Table:
    """A table of a FlatBuffer. Fields have numbers; absent fields have the default of their type."""

    def __init__(self, data: bytes, position: int) -> None:
        self._data, self._position = data, position
        self._slots = position - _number("<i", data, position)

    @classmethod
    def root(cls, data: bytes) -> "_Table":
        return cls(data, _number("<I", data, 0))

    def has(self, field: int) -> bool:
        return self._place(field) is not None

    def long(self, field: int) -> int:
        place = self._place(field)
        return 0 if place is None else _number("<q", self._data, place)

    def table(self, field: int) -> "_Table":
        place = self._place(field)
        if place is None:
            raise ValueError("its Arrow metadata are broken")
        return _Table(self._data, place + _number("<I", self._data, place))

    def structures(self, field: int, form: struct.Struct) -> Iterator[tuple[int, ...]]:
        """Yield the structures in the vector `field`."""
        place = self._place(field)
        if place is None:
            return
        start = place + _number("<I", self._data, place)
        for number in range(_number("<I", self._data, start)):
            yield form.unpack_from(self._data, start + 4 + number * form.size)

    def _place(self, field: int) -> int | None:
        """Return the position of the value of `field`, None if it is absent."""
        slot = 4 + 2 * field
        if slot >= _number("<H", self._data, self._slots):
            return None
        offset = _number("<H", self._data, self._slots + slot)
        return self._position + offset if offset else None
