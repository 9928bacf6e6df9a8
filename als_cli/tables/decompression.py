"""Compressed tables: gzip, zstd, and zip archives with one table of text.

A stream is decompressed in pieces, so the memory does not depend on the size. :mod:`als_cli.tables.expansion` has the
limits on the size.
"""

import io
import shutil
import zipfile
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

import pyarrow as pa

Content = Path | bytes
"""The bytes of a table: a file, or bytes in memory if there is no folder for temporary files."""

FORMAT_OF_SUFFIX = {
    **dict.fromkeys((".csv", ".tsv", ".txt", ".data", ".item", ".dat"), "csv"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
    **dict.fromkeys((".ndjson", ".jsonl"), "ndjson"),
    **dict.fromkeys((".arrow", ".ipc", ".feather"), "ipc"),
}
"""The format of a table by the suffix of its name."""
_ZIP, _EMPTY_ZIP, _OLE = b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0"
_GZIP, _ZSTD, _ZLIB = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", (b"\x78\x01", b"\x78\x9c", b"\x78\xda")
_PACKED = (_ZIP, _GZIP, _ZSTD, *_ZLIB)
"""First bytes of files that polars or als decompress. A member of an archive must not be one: its size has no limit."""
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Compressions of members that Python decompresses in pieces of a limited size."""
_ENCRYPTED = 1
_NOT_TABLES = {"readme", "license", "licence", "copying", "changelog", "about"}
"""Names of members that are texts and no tables."""
_SHOWN = 5
_PIECE_BYTES = 1 << 20


class PackedTableError(ValueError):
    """A file is an archive or a workbook from which no table can be read. The message goes on after its name."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint
        """The hint; `FILE` stands for the name of the file."""


def open_decompressed(content: Content) -> BinaryIO:
    """Return a stream of the bytes in `content`, decompressed if they are gzip, zstd or a zip archive with one table.

    Raises
    ------
    PackedTableError
        It is an Excel workbook, or a zip archive with several tables or with no table of text.
    """
    raw: BinaryIO = content.open("rb") if isinstance(content, Path) else io.BytesIO(content)
    first_bytes = raw.read(4)
    raw.seek(0)
    if first_bytes in (_ZIP, _EMPTY_ZIP):
        with raw, zipfile.ZipFile(raw) as archive:
            member = _table_in(archive)
        return _open_member(content, member)
    if first_bytes == _OLE:
        raw.close()
        raise _workbook()
    kind = "gzip" if first_bytes.startswith(_GZIP) else "zstd" if first_bytes == _ZSTD else None
    return raw if kind is None else cast("BinaryIO", pa.CompressedInputStream(raw, kind))


def is_zip(content: Content) -> bool:
    """Return whether `content` is a zip archive."""
    with content.open("rb") if isinstance(content, Path) else io.BytesIO(content) as raw:
        return raw.read(4) in (_ZIP, _EMPTY_ZIP)


def name_inside(name: str, content: Content) -> str:
    """Return the name of the table `name` before it was compressed: of the member of an archive, or without .gz or .zst.

    Raises
    ------
    PackedTableError
        It is a zip archive with several tables or with no table of text.
    """
    if not is_zip(content):
        return name.removesuffix(".gz").removesuffix(".zst")
    with zipfile.ZipFile(content if isinstance(content, Path) else io.BytesIO(content)) as archive:
        return _table_in(archive).filename


def size_inside(content: Path) -> int:
    """Return the size in bytes of the table in a zip archive, as the archive declares it; of other files their size.

    Raises
    ------
    PackedTableError
        It is a zip archive with several tables or with no table of text.
    """
    if not is_zip(content):
        return content.stat().st_size
    with zipfile.ZipFile(content) as archive:
        return _table_in(archive).file_size


def unzipped(content: Content, spool: Path | None) -> Content:
    """Return the table in a zip archive, in a file in `spool` or in memory without `spool`; other `content` as it is."""
    if not is_zip(content):
        return content
    with open_decompressed(content) as packed:
        if spool is None:
            return packed.read()
        path = spool / f"unzipped-{len(list(spool.iterdir()))}.txt"
        with path.open("wb") as unpacked:
            shutil.copyfileobj(packed, unpacked, length=_PIECE_BYTES)
    return path


def _open_member(content: Content, member: zipfile.ZipInfo) -> BinaryIO:
    # The stream of the member keeps the archive open.
    with zipfile.ZipFile(content if isinstance(content, Path) else io.BytesIO(content)) as archive:
        with archive.open(member) as opened:
            is_packed = opened.read(4).startswith(_PACKED)
        stream = archive.open(member)
    if is_packed:
        stream.close()
        raise PackedTableError(f"is a zip archive with a compressed file: {member.filename}", "unzip FILE")
    return cast("BinaryIO", stream)


def _table_in(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    """Return the member of `archive` that is a table, if there is exactly one."""
    members = [one for one in archive.infolist() if not one.is_dir() and not _is_marker(one.filename)]
    if any(one.filename.startswith(("xl/", "[Content_Types]")) for one in members):
        raise _workbook()
    tables = [one for one in members if _is_table(one.filename)] if len(members) > 1 else members
    if len(tables) != 1:
        names = [one.filename for one in tables or members]
        listed = ", ".join(names[:_SHOWN]) + (" …" if len(names) > _SHOWN else "")
        found = f"{len(tables):,} tables" if tables else "no table"
        raise PackedTableError(f"is a zip archive with {found}{': ' if names else ''}{listed}", "unzip FILE")
    kind = FORMAT_OF_SUFFIX.get(PurePosixPath(tables[0].filename).suffix.lower(), "csv")
    if kind not in ("csv", "ndjson"):
        raise PackedTableError(
            f"is a zip archive with a table that is no text: {tables[0].filename}", "unzip FILE"
        )
    if tables[0].flag_bits & _ENCRYPTED or tables[0].compress_type not in _METHODS:
        raise PackedTableError(
            "is a zip archive with encryption or with an unusual compression", "unzip FILE"
        )
    return tables[0]


def _is_marker(name: str) -> bool:
    return any(part.startswith((".", "_")) for part in PurePosixPath(name).parts)


def _is_table(name: str) -> bool:
    path = PurePosixPath(name)
    return path.suffix.lower() in FORMAT_OF_SUFFIX and path.stem.lower() not in _NOT_TABLES


def _workbook() -> PackedTableError:
    return PackedTableError("is an Excel workbook, which als does not read", "save the sheet as CSV")
