"""Delimited text: its separator, its encoding, and a lazy scan with String columns."""

import codecs
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import polars as pl

from als_cli.config.source import ColumnRef, TableFormat
from als_cli.errors import ConfigError, DataError
from als_cli.tables.comments import check_comments
from als_cli.tables.decompression import Content, name_inside, open_decompressed, unzipped

_SEPARATORS = ",\t;|"
_FIRST_LINE_BYTES = 1 << 16
_CHUNK_CHARACTERS = 1 << 20
_FIELDS_SHOWN = 6
_NOT_FOR_FILES = ("idna", "punycode", "undefined")
"""Encodings of single words, which are slow on a file, and the encoding that always fails."""


@dataclass(frozen=True)
class Wanted:
    """The columns of a table that the config refers to."""

    section: str
    """Config key of the section that has key `header` of the table."""
    columns: Mapping[str, ColumnRef]
    """Column reference by config key."""
    in_condition: Sequence[str] = ()
    """Columns that the condition on the rows uses."""


def scan_delimited(content: Content, name: str, fmt: TableFormat, spool: Path | None) -> pl.LazyFrame:
    """Return a scan of delimited text with String columns. Without a header they are named "1", "2" and so on.

    Fields missing at the end of a line are null. Text that is not UTF-8 is transcoded in chunks into a file in `spool`,
    or into memory without `spool`.

    Raises
    ------
    ConfigError
        The encoding is unknown, or the separator is not one ASCII character.
    DataError
        The text is not in the declared encoding.
    """
    if not is_utf8(fmt.encoding):
        content = _transcode(content, name, fmt.encoding, spool)
    separator = separator_of(content, name, fmt)
    frame = pl.scan_csv(
        unzipped(content, spool),
        has_header=fmt.header,
        separator=separator,
        quote_char=None if fmt.quote == "none" else fmt.quote,
        infer_schema=False,
        glob=False,
    )
    names = frame.collect_schema().names()
    if any("\ufffd" in column for column in names):
        raise not_in_encoding(name, fmt.encoding)
    if fmt.header:
        if names[:1] and names[0].lstrip().startswith("#"):
            with open_decompressed(content) as stream:
                check_comments(stream, name, "utf-8")
        return frame
    return frame.rename({old: str(number) for number, old in enumerate(names, start=1)})


def check_header(text: pl.LazyFrame, fmt: TableFormat, wanted: Wanted | None, file: str) -> None:
    """Raise a ConfigError if columns are numbered and the config does not set `header` for `text`."""
    if wanted is None or not fmt.header or "header" in fmt.model_fields_set:
        return
    numbered = [(key, ref) for key, ref in wanted.columns.items() if isinstance(ref, int)]
    if numbered:
        key, ref = numbered[0]
        names = text.collect_schema().names()
        first_line = ", ".join(names[:_FIELDS_SHOWN]) + (", …" if len(names) > _FIELDS_SHOWN else "")
        raise ConfigError(
            f"{key} is column {ref}, but the first line of {file} would be read as column names: {first_line}",
            hint=f"set {wanted.section}.header: false if this line is data, or {wanted.section}.header: true if "
            "it has column names",
        )


def not_in_encoding(name: str, encoding: str) -> DataError:
    """Return the error for table `name` whose text is not in `encoding`."""
    return DataError(
        f"{name} is not {encoding} text",
        hint="set `encoding` of this source, for example `encoding: latin-1`",
    )


def is_utf8(encoding: str) -> bool:
    """Return whether text in `encoding` is read without transcoding.

    Raises
    ------
    ConfigError
        The encoding is unknown.
    """
    return _codec(encoding) in ("utf-8", "utf-8-sig")


def _codec(encoding: str) -> str:
    try:
        found = codecs.lookup(encoding)
    except (LookupError, ValueError):
        found = None
    # Codecs such as rot13 and zip convert text to text or bytes to bytes. Their first use would raise an error.
    if found is None or not getattr(found, "_is_text_encoding", True) or found.name in _NOT_FOR_FILES:
        raise ConfigError(
            f"encoding: {encoding!r} is not a known text encoding",
            hint="use utf-8, latin-1, cp1252 or utf-16",
        )
    return found.name


def _transcode(content: Content, name: str, encoding: str, spool: Path | None) -> Content:
    target: BinaryIO = io.BytesIO()
    path = None
    if spool is not None:
        path = spool / f"utf8-{len(list(spool.iterdir()))}.txt"
        target = path.open("wb")
    with open_decompressed(content) as raw, target:
        # newline="" keeps all line ends unchanged, also inside quotes.
        text = io.TextIOWrapper(raw, encoding=encoding, newline="")
        try:
            while chunk := text.read(_CHUNK_CHARACTERS):
                target.write(chunk.encode("utf-8"))
        except UnicodeError as wrong:
            raise not_in_encoding(name, encoding) from wrong
        return path if path is not None else target.getvalue()  # type: ignore[attr-defined]


def separator_of(content: Content, name: str, fmt: TableFormat) -> str:
    """Return the separator of delimited text: the declared one, or the one that its name or its first line shows.

    Raises
    ------
    ConfigError
        The declared separator is not one ASCII character.
    """
    separator = "\t" if fmt.separator in (r"\t", "tab") else fmt.separator
    if separator != "auto":
        if len(separator.encode()) != 1:
            raise ConfigError(
                f"separator: {separator!r} is not a single ASCII character",
                hint='read a doubled separator such as `::` with `separator: ":"` and columns 1, 3, 5, …',
            )
        return separator
    if Path(name_inside(name, content)).suffix.lower() == ".tsv":
        return "\t"
    with open_decompressed(content) as stream:
        return _most_frequent_separator(stream.read(_FIRST_LINE_BYTES).decode("utf-8", errors="replace"))


def _most_frequent_separator(text: str) -> str:
    first_line = text.split("\n", 1)[0]
    outside_quotes = "".join(first_line.split('"')[::2])
    return max(_SEPARATORS, key=outside_quotes.count)
