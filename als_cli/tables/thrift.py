"""Thrift structures in the compact protocol, the form of the metadata of Parquet files.

The data can be hostile. So each element of a list takes at least one byte, and the depth is limited. Specification:
thrift-compact-protocol.md of apache/thrift.
"""

from collections.abc import Iterator

_BOOLEANS, _BYTE, _DOUBLE, _MAP = (1, 2), 3, 7, 11
INTEGERS, BINARY, LISTS, STRUCT = (4, 5, 6), 8, (9, 10), 12
"""Types of the compact protocol."""
_MAXIMUM_DEPTH, _MAXIMUM_SHIFT = 16, 63


class CompactReader:
    """Reads a structure in the compact protocol. Data that end too early raise an IndexError."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.position = 0

    def fields(self) -> Iterator[tuple[int, int]]:
        """Yield number and type of each field of the structure here. The caller reads or skips each value.

        The numbers rise, as all writers store them. Of a repeated field, readers would use different values.
        """
        number = 0
        while head := self._byte():
            before, number = number, number + (head >> 4) if head >> 4 else self.integer()
            if number <= before:
                raise ValueError("its metadata repeat a field, or have another order")
            yield number, head & 15

    def integer(self) -> int:
        """Return the signed integer here."""
        raw = self._varint()
        return (raw >> 1) ^ -(raw & 1)

    def first_integer(self) -> int:
        """Return field 1 of the structure here, an integer; 0 if it is absent."""
        found = 0
        for number, kind in self.fields():
            if number == 1 and kind in INTEGERS:
                found = self.integer()
            else:
                self.skip(kind)
        return found

    def text(self) -> str:
        """Return the text here."""
        length = self._varint()
        self._advance(length)
        return self._data[self.position - length : self.position].decode("utf-8", errors="replace")

    def elements(self) -> tuple[int, int]:
        """Return the number of elements of the list here, and their type. The caller reads or skips each of them."""
        head = self._byte()
        return self._varint() if head >> 4 == 15 else head >> 4, head & 15

    def skip(self, kind: int, depth: int = 0) -> None:
        """Skip the value here, of type `kind`, in a field of a structure."""
        if depth > _MAXIMUM_DEPTH:
            raise ValueError("its metadata are nested too deeply")
        if kind in INTEGERS:
            self._varint()
        elif kind == STRUCT:
            for _, of_field in self.fields():
                self.skip(of_field, depth + 1)
        elif kind in (*LISTS, _MAP):
            self._skip_elements(kind, depth)
        else:
            self._advance(self._width(kind))

    def _skip_elements(self, kind: int, depth: int) -> None:
        if kind == _MAP:
            count = self._varint()
            types = self._byte() if count else 0
            kinds: tuple[int, ...] = (types >> 4, types & 15)
        else:
            count, kind_of_element = self.elements()
            kinds = (kind_of_element,)
        for _ in range(count):
            for of_element in kinds:
                if of_element in _BOOLEANS:
                    self._advance(1)
                else:
                    self.skip(of_element, depth + 1)

    def _width(self, kind: int) -> int:
        if kind in _BOOLEANS:
            return 0  # the type is the value
        if kind == BINARY:
            return self._varint()
        if kind not in (_BYTE, _DOUBLE):
            raise ValueError(f"its metadata have the unknown type {kind}")
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
        raise ValueError("its metadata have an integer of more than 64 bits")
