"""Tables of the outside world as lazy scans: events, catalogues, user lists, candidates, test files.

Rows are numbered per file, from 1, header not counted. Reading happens when a scan is collected: wrap that in
:func:`reading`, so that a broken file becomes one clear message.
"""

import difflib
import glob
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

import polars as pl
import pyarrow as pa

from als_cli.config.fields import is_url
from als_cli.config.source import ColumnRef, TableFormat
from als_cli.errors import AlsError, ConfigError, DataError, refusal_of
from als_cli.tables.delimited import (
    Content,
    Wanted,
    check_header,
    not_in_encoding,
    open_decompressed,
    scan_delimited,
)
from als_cli.tables.folder_hint import folder_hint
from als_cli.tables.formats import format_of

STDIN = "-"
_COLUMNS_SHOWN = 20
_UNPAIRED_QUOTE = "a quote is opened and never closed"
_PLAIN_WORDS = {
    "not properly escaped": _UNPAIRED_QUOTE,
    "CSV malformed": _UNPAIRED_QUOTE,
    "found more fields": "a line has more fields than the first line",
}


@dataclass(frozen=True)
class TableFile:
    """One file to scan."""

    name: str
    """The path as given, ``-`` for stdin."""
    content: Content
    """Where its bytes are stored."""
    streamed: bool = False
    """Whether it is a copy of stdin or of a pipe, which can be read only once."""

    @property
    def shown(self) -> str:
        """The name in messages."""
        return "stdin" if self.name == STDIN else self.name


class FindFiles(Protocol):
    """Finds the files of a path, as :func:`find_files` does."""

    def __call__(
        self, path: str, *, stdin: BinaryIO | None = None, spool: Path | None = None
    ) -> tuple[TableFile, ...]:
        """Return the files that `path` stands for."""
        ...


def find_files(
    path: str, *, stdin: BinaryIO | None = None, spool: Path | None = None
) -> tuple[TableFile, ...]:
    """Return the files that `path` stands for, sorted; stdin and named pipes are copied to `spool` first.

    Raises
    ------
    DataError
        No file, a folder, a file that may not be read, or an empty one.
    """
    if path == STDIN:
        if stdin is None:
            raise ConfigError("stdin (`-`) can only be used for events", hint="give a file")
        return (_checked(TableFile(STDIN, _copied(stdin, spool), streamed=True)),)
    if is_url(path):
        raise ConfigError(
            f"{path}: only local files can be read", hint="copy the files to this machine first"
        )
    names = _matching(path)
    if names:
        return tuple(_checked(_local_file(name, spool)) for name in names)
    if glob.has_magic(path):
        raise DataError(f"no file matches {path}", hint="check the pattern and the folder")
    raise DataError(f"no such file: {path}", hint=_near_file(path))


def has_pipe(path: str) -> bool:
    """Return whether a file that `path` stands for is a pipe or a device, whose bytes can be read only once."""
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
    """Return a scan of a file, of all files of a glob (in sorted order, same columns), or of stdin (``-``).

    Delimited text gives String columns, named "1", "2", … where it has no header; other formats keep their types.
    `wanted` columns may be numbers there only where the config says whether there is a header. `find` finds the files.
    `spool` is a folder for temporary files, which its owner removes; without it stdin and transcoded text are held
    in memory.

    Raises
    ------
    DataError
        No such file, not readable, empty, or not of its format.
    ConfigError
        An encoding, separator or address that cannot be used, or a column number without a declared header.
    """
    files = find(path, stdin=stdin, spool=spool)
    return pl.concat([scan_file(file, fmt, wanted, spool=spool) for file in files], how="vertical_relaxed")


def scan_file(
    file: TableFile, fmt: TableFormat, wanted: Wanted | None = None, *, spool: Path | None = None
) -> pl.LazyFrame:
    """Return a scan of one file; see :func:`scan_table`."""
    with reading(file.shown, fmt):
        kind = format_of(file.name, file.content, fmt)
        if kind == "csv":
            text = scan_delimited(file.content, file.name, fmt, spool)
            check_header(text, fmt, wanted, file.shown)
            return text
        if kind == "ndjson":
            # Types come from all lines: a field that is text only in the last line is text.
            return pl.scan_ndjson(file.content, infer_schema_length=None)
        if kind == "ipc":
            return pl.scan_ipc(file.content, glob=False)
        frame = pl.scan_parquet(file.content, glob=False)
        frame.collect_schema()
        return frame


@contextmanager
def reading(name: str, fmt: TableFormat | None = None) -> Iterator[None]:
    """Turn whatever goes wrong while the table `name` is read into a DataError that names it."""
    try:
        yield
    except AlsError:
        raise
    except pl.exceptions.NoDataError:
        raise DataError(f"{name} is empty", hint="check how the file was written") from None
    except PermissionError as refused:
        raise DataError(f"{name} may not be read", hint="check its permissions") from refused
    except (pl.exceptions.PolarsError, pa.ArrowException, OSError, ValueError, MemoryError) as broken:
        refusal = refusal_of(broken, name)
        if refusal is not None:
            raise refusal from broken
        if "invalid utf-8" in str(broken):
            raise not_in_encoding(name, fmt.encoding if fmt else "utf-8") from broken
        reason = condensed(broken)
        hint = "check the file, and the format, separator and header that are declared for it"
        if reason == _UNPAIRED_QUOTE:
            hint = "declare `quote: none` for it if quotes are part of its text; otherwise correct the file"
        raise DataError(f"{name} cannot be read: {reason}", hint=hint) from broken


def condensed(broken: Exception) -> str:
    """Return what a library's message says, in one line."""
    for theirs, ours in _PLAIN_WORDS.items():
        if theirs in str(broken):
            return ours
    lines = [line.strip().rstrip(".") for line in str(broken).splitlines() if line.strip()]
    return lines[0] if lines else type(broken).__name__


def column(names: Sequence[str], ref: ColumnRef, *, key: str, file: str) -> str:
    """Return the name of the column that `ref` (a name, or a number from 1) stands for among `names`.

    `key` is the config key and `file` the table, for the message.

    Raises
    ------
    ConfigError
        There is no such column; a near name is suggested.
    """
    if isinstance(ref, int):
        if 1 <= ref <= len(names):
            return names[ref - 1]
        raise ConfigError(
            f"{key} is column {ref}, but {file} has {len(names)} columns",
            hint=f"its columns: {_listed(names)}",
        )
    if ref in names:
        return ref
    folded = {name.casefold().strip(): name for name in names}
    near = difflib.get_close_matches(ref.casefold(), folded, n=1, cutoff=0.6)
    hint = f"did you mean {folded[near[0]]!r}? " if near else ""
    raise ConfigError(f"{key}: {file} has no column {ref!r}", hint=f"{hint}its columns: {_listed(names)}")


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _COLUMNS_SHOWN
    return ", ".join(names[:_COLUMNS_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _matching(path: str) -> list[str]:
    """Return `path` where it exists, else the files that it matches as a glob, sorted."""
    if Path(path).exists():
        return [path]
    if not glob.has_magic(path):
        return []
    return sorted(p for p in glob.glob(path, recursive=True) if not Path(p).is_dir())  # noqa: PTH207 - absolute patterns


def _is_pipe(path: str) -> bool:
    with reading(path):
        mode = Path(path).stat().st_mode
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _local_file(path: str, spool: Path | None) -> TableFile:
    if _is_pipe(path):
        with reading(path), Path(path).open("rb") as pipe:
            return TableFile(path, _copied(pipe, spool), streamed=True)
    return TableFile(path, Path(path))


def _copied(stream: BinaryIO, spool: Path | None) -> Content:
    if spool is None:
        return stream.read()
    target = spool / f"stream-{len(list(spool.iterdir()))}"
    with target.open("wb") as copy:
        shutil.copyfileobj(stream, copy, length=1 << 20)
    return target


def _checked(file: TableFile) -> TableFile:
    if isinstance(file.content, Path) and file.content.is_dir():
        raise DataError(f"{file.shown} is a folder", hint=folder_hint(file.content))
    with reading(file.shown), open_decompressed(file.content) as stream:
        if not stream.read(1):
            raise DataError(f"{file.shown} is empty", hint="check how the file was written")
    return file


def _near_file(path: str) -> str:
    folder = Path(path).parent
    names = [p.name for p in folder.iterdir()] if folder.is_dir() else []
    near = difflib.get_close_matches(Path(path).name, names, n=1)
    if near:
        return f"did you mean {folder / near[0]}?"
    return "check the path; relative paths are taken from the folder of the config file"
