"""Input tables as lazy scans: events, catalogues, user lists, candidates, test files.

Rows are numbered per file from 1, without the header. A file is read only when its scan is collected. Do this inside
:func:`reading`, which turns the errors of a broken file into one message.
"""

import difflib
import glob
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

import polars as pl

from als_cli.config.fields import is_url
from als_cli.config.source import TableFormat
from als_cli.errors import AlsError, ConfigError, DataError, refusal_of, streaming
from als_cli.tables.broken import BROKEN, UNPAIRED_QUOTE, condensed
from als_cli.tables.column_types import check_column_types
from als_cli.tables.decompression import Content, PackedTableError, open_decompressed, unzipped
from als_cli.tables.delimited import (
    Wanted,
    check_header,
    not_in_encoding,
    scan_delimited,
)
from als_cli.tables.delta import is_delta_table, live_files, only_live
from als_cli.tables.expansion import BYTES_WITHOUT_LIMIT, check_expansion, check_text_columns
from als_cli.tables.folder_hint import folder_hint
from als_cli.tables.formats import format_of
from als_cli.tables.long_lines import TOO_LONG, long_line_error
from als_cli.tables.partitions import with_partitions

STDIN = "-"
_COPIED_BYTES = 1 << 20


@dataclass(frozen=True)
class TableFile:
    """One file to scan."""

    name: str
    """The path as given, or ``-`` for stdin."""
    content: Content
    """Its bytes, or the path of the file that has them."""
    streamed: bool = False
    """Whether this is a copy of stdin or of a pipe, which can be read only once."""

    @property
    def shown(self) -> str:
        """The name for messages."""
        return "stdin" if self.name == STDIN else self.name


class FindFiles(Protocol):
    """A function that finds the files of a path, for example :func:`find_files`."""

    def __call__(
        self, path: str, *, stdin: BinaryIO | None = None, spool: Path | None = None
    ) -> tuple[TableFile, ...]:
        """Return the files of `path`."""
        ...


def find_files(
    path: str, *, stdin: BinaryIO | None = None, spool: Path | None = None
) -> tuple[TableFile, ...]:
    """Return the files of `path`, sorted. stdin and named pipes are copied to `spool` first.

    `path` may be the folder of a Delta table. Of Delta tables, a folder and a glob give the files of the current version.

    Raises
    ------
    ConfigError
        The path is a URL, or stdin where no stdin is given. Or it needs deltalake, which is not installed.
    DataError
        There is no such file, it is a folder or empty, or it may not be read.
    """
    if path == STDIN:
        if stdin is None:
            raise ConfigError("stdin (`-`) can only be used for events", hint="use a file")
        return (_checked(TableFile(STDIN, _copied(stdin, "stdin", spool), streamed=True)),)
    if is_url(path):
        raise ConfigError(
            f"{path}: only local files can be read", hint="copy the files to this machine first"
        )
    names = matching_files(path)
    if names:
        return tuple(_checked(_local_file(name, spool)) for name in names)
    if glob.has_magic(path):
        raise DataError(f"no file matches {path}", hint="check the pattern and the folder")
    raise DataError(f"no such file: {path}", hint=_near_file(path))


def has_pipe(path: str) -> bool:
    """Return whether a file of `path` is a pipe or a device, which can be read only once."""
    return any(_is_pipe(name) for name in _matching(path))


def scan_table(
    path: str,
    fmt: TableFormat,
    wanted: Wanted | None = None,
    *,
    stdin: BinaryIO | None = None,
    spool: Path | None = None,
    find: FindFiles = find_files,
) -> pl.LazyFrame:
    """Return a scan of a file, of all files of a glob in sorted order, or of stdin (``-``).

    The files of a glob must have the same columns. Delimited text gives String columns, named "1", "2" and so on if it
    has no header. Other formats keep their types. Hive partitions are String columns. `wanted` columns of delimited
    text may be numbers only if the config sets `header`. `find` finds the files. `spool` is a folder for temporary files, which the caller removes. Without
    `spool`, stdin and transcoded text are held in memory.

    Raises
    ------
    DataError
        There is no such file, or it is unreadable, empty, or not of its format.
    ConfigError
        The encoding, separator or path cannot be used, or a column is numbered and `header` is not set.
    """
    files = find(path, stdin=stdin, spool=spool)
    return pl.concat([scan_file(file, fmt, wanted, spool=spool) for file in files], how="vertical_relaxed")


def scan_file(
    file: TableFile, fmt: TableFormat, wanted: Wanted | None = None, *, spool: Path | None = None
) -> pl.LazyFrame:
    """Return a scan of one file, as :func:`scan_table` does."""
    with reading(file.shown, fmt):
        return with_partitions(_scan(file, fmt, wanted, spool), file.name)


def _scan(file: TableFile, fmt: TableFormat, wanted: Wanted | None, spool: Path | None) -> pl.LazyFrame:
    kind = format_of(file.name, file.content, fmt)
    text_bytes = check_expansion(file.content, file.shown, kind, fmt)
    if kind == "csv":
        text = scan_delimited(file.content, file.name, fmt, spool)
        check_header(text, fmt, wanted, file.shown)
        return text
    if kind == "ndjson":
        # Infer the types from all lines, because a field can be text only in the last line.
        content = unzipped(file.content, spool)
        source = content if isinstance(content, bytes) else glob.escape(str(content))
        return pl.scan_ndjson(source, infer_schema_length=None)
    check_column_types(file.content, kind, file.shown)
    scan = pl.scan_ipc if kind == "ipc" else pl.scan_parquet
    frame = scan(file.content, glob=False)
    if wanted is not None and text_bytes > BYTES_WITHOUT_LIMIT:
        columns = (*wanted.columns.values(), *wanted.in_condition)
        check_text_columns(frame, columns, file.content, file.shown)
    frame.collect_schema()
    return frame


@contextmanager
def reading(name: str, fmt: TableFormat | None = None) -> Iterator[None]:
    """Turn every error in this block into a DataError that names table `name`."""
    try:
        yield
    except AlsError:
        raise
    except pl.exceptions.NoDataError:
        raise DataError(f"{name} is empty", hint="check the export that wrote the file") from None
    except PermissionError as refused:
        raise DataError(f"{name} may not be read", hint="check its permissions") from refused
    except BROKEN as broken:
        raise refusal_of(broken, name) or _unreadable(broken, name, fmt) from broken


def _unreadable(broken: BaseException, name: str, fmt: TableFormat | None) -> DataError:
    """Return the error for table `name`, which a library cannot read because of `broken`."""
    if isinstance(broken, PackedTableError):
        return DataError(f"{name} {broken}", hint=broken.hint.replace("FILE", name))
    if "invalid utf-8" in str(broken):
        return not_in_encoding(name, fmt.encoding if fmt else "utf-8")
    if TOO_LONG in str(broken):
        return long_line_error(name, fmt or TableFormat())
    reason = condensed(broken)
    hint = "check the file and the keys format, separator and header of this source"
    if reason == UNPAIRED_QUOTE:
        hint = "set `quote: none` for this source if quotes are part of its text; otherwise correct the file"
    return DataError(f"{name} cannot be read: {reason}", hint=hint)


def matching_files(path: str) -> list[str]:
    """Return the names of the files of `path`, sorted, without old files of Delta tables. A file that `path` names is kept.

    Raises
    ------
    ConfigError
        `path` has a Delta table, and deltalake is not installed.
    DataError
        A Delta table cannot be read.
    """
    if is_delta_table(path):
        return live_files(path)
    names = _matching(path)
    return names if names == [path] else only_live(names)


def _matching(path: str) -> list[str]:
    """Return `path` if it exists, and otherwise the sorted files that it matches as a glob."""
    if Path(path).exists():
        return [path]
    if not glob.has_magic(path):
        return []
    found = glob.glob(pattern_of(path), recursive=True)  # noqa: PTH207 - absolute patterns
    return sorted(name for name in found if not Path(name).is_dir())


def pattern_of(path: str) -> str:
    """Return the glob of `path`, in which leading folders that exist are names, even with brackets in them."""
    folder = Path()
    parts = Path(path).parts
    for number, part in enumerate(parts):
        if not (folder / part).exists():
            return os.path.join(glob.escape(str(folder)), *parts[number:]) if number else path  # noqa: PTH118 - a pattern
        folder /= part
    return glob.escape(path)


def _is_pipe(path: str) -> bool:
    with reading(path):
        mode = Path(path).stat().st_mode
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _local_file(path: str, spool: Path | None) -> TableFile:
    if _is_pipe(path):
        with reading(path), Path(path).open("rb") as pipe:
            return TableFile(path, _copied(pipe, path, spool), streamed=True)
    return TableFile(path, Path(path))


def _copied(stream: BinaryIO, name: str, spool: Path | None) -> Content:
    with streaming(name):
        first = stream.read(_COPIED_BYTES)
    if spool is None:
        return first + stream.read()
    target = spool / f"stream-{len(list(spool.iterdir()))}"
    with target.open("wb") as copy:
        copy.write(first)
        shutil.copyfileobj(stream, copy, length=_COPIED_BYTES)
    return target


def _checked(file: TableFile) -> TableFile:
    if isinstance(file.content, Path) and file.content.is_dir():
        raise DataError(f"{file.shown} is a folder", hint=folder_hint(file.content))
    with reading(file.shown), open_decompressed(file.content) as stream:
        if not stream.read(1):
            raise DataError(f"{file.shown} is empty", hint="check the export that wrote the file")
    return file


def _near_file(path: str) -> str:
    folder = Path(path).parent
    names = [p.name for p in folder.iterdir()] if folder.is_dir() else []
    near = difflib.get_close_matches(Path(path).name, names, n=1)
    if near:
        return f"did you mean {folder / near[0]}?"
    return "check the path; relative paths start at the folder of the config file"
