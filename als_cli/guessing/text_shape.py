"""The shape of delimited text, from its first bytes: encoding, separator, quote and header."""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from als_cli.config.source import TableFormat
from als_cli.errors import DataError, counted
from als_cli.guessing.names import is_role_name
from als_cli.tables.comments import check_comments

LINES = 200
"""Number of lines that the shape is inferred from."""
_SEPARATORS = ("\t", ";", "|", ",", ":", " ")
"""Separators by preference. A text seldom has the first ones. A colon stands for the doubled colon of MovieLens, which
gives empty columns between."""
_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*")
_CLEARLY = 0.1
"""Difference of agreement that decides between separators."""
_BOMS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


@dataclass(frozen=True)
class TextShape:
    """How delimited text is read."""

    encoding: str
    separator: str
    header: bool
    quote: str
    """``"`` or ``none``."""
    names: tuple[str, ...]
    """Names of the columns; "1", "2" and so on without a header."""
    header_reason: str
    header_confidence: float

    @property
    def format(self) -> TableFormat:
        """The keys of the config that describe this shape."""
        return TableFormat.model_validate(
            {
                "separator": self.separator,
                "header": self.header,
                "quote": self.quote,
                "encoding": self.encoding,
            }
        )


def text_shape(head: bytes, encoding: str, name: str, *, is_whole: bool) -> TextShape:
    """Return the shape of delimited text that starts with `head`. `is_whole` says whether `head` is the whole file.

    Raises
    ------
    DataError
        The text is a JSON array, or it begins with comments.
    """
    check_comments(io.BytesIO(head), name, encoding)
    lines = _lines(head.decode(encoding, errors="replace").removeprefix("\ufeff"), is_whole=is_whole)
    if lines and lines[0].lstrip()[:1] == "[" and (lines[0].strip() == "[" or "{" in lines[0]):
        raise DataError(
            f"{name} is a JSON array, which als does not read",
            hint="write one object per line (NDJSON), for example with jq -c '.[]'",
        )
    separator = _separator(lines)
    quote = _quote(lines, separator)
    rows = _rows(lines, separator, quote)
    header, reason, confidence = _header(rows)
    width = len(rows[0]) if rows else 0
    names = tuple(rows[0]) if header and rows else tuple(str(number) for number in range(1, width + 1))
    return TextShape(encoding, separator, header, quote, names, reason, confidence)


def encoding_of(pieces: Sequence[bytes], name: str) -> str:
    """Return utf-8, utf-16, cp1252 or latin-1, the first that can read all `pieces` of a file.

    Raises
    ------
    DataError
        The bytes are no text: they contain zero bytes.
    """
    if pieces[0][:2] in _BOMS:
        return _BOMS[pieces[0][:2]]
    if any(b"\0" in piece for piece in pieces):
        raise DataError(
            f"{name} is not a table that als reads: it has zero bytes",
            hint="als reads delimited text, Parquet, NDJSON and Arrow files",
        )
    for encoding in ("utf-8", "cp1252"):
        if all(_is_in(piece, encoding) for piece in pieces):
            return encoding
    return "latin-1"


def _is_in(piece: bytes, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        decoder.decode(piece)  # the last bytes may be an incomplete character
    except UnicodeDecodeError:
        return False
    return True


def _lines(text: str, *, is_whole: bool) -> list[str]:
    lines = text.splitlines()[: LINES + 1]
    if not is_whole and len(lines) <= LINES:
        lines = lines[:-1] or lines  # the last line may be incomplete
    return [line for line in lines if line.strip()][:LINES]


def _separator(lines: Sequence[str]) -> str:
    """Return the separator that gives the same number of fields in the most lines, and then the most fields."""
    found = {separator: _agreement(lines, separator) for separator in _SEPARATORS}
    best = max(agreeing for agreeing, _ in found.values())
    near = [separator for separator in _SEPARATORS if found[separator][0] >= best - _CLEARLY]
    return max(near, key=lambda separator: found[separator][1]) if best else ","


def _agreement(lines: Sequence[str], separator: str) -> tuple[float, int]:
    """Return the fraction of lines with the usual number of separators, and this number; zeros if it is not used."""
    counts = Counter(line.count(separator) for line in _outside_quotes(lines))
    count, agreeing = counts.most_common(1)[0] if counts else (0, 0)
    is_exact = agreeing == len(lines)
    if count == 0 or (separator == " " and not is_exact):
        return 0.0, 0
    if separator == ":":
        return (1.0, count // 2) if is_exact and all("::" in line for line in lines) else (0.0, 0)
    return agreeing / len(lines), count


def _outside_quotes(lines: Sequence[str]) -> list[str]:
    return ["".join(line.split('"')[::2]) for line in lines]


def _quote(lines: Sequence[str], separator: str) -> str:
    """Return ``none`` if quotes are part of the text: unpaired ones inside fields, or rows that do not fit otherwise."""
    odd = sum(line.count('"') % 2 for line in lines)
    starts = sum(line.startswith('"') or f'{separator}"' in line for line in lines)
    if not odd:
        return '"'
    if not starts:
        return "none"
    quoted, plain = (_same_width(_rows(lines, separator, quote)) for quote in ('"', "none"))
    return "none" if plain > quoted + _CLEARLY else '"'


def _same_width(rows: Sequence[Sequence[str]]) -> float:
    """Return the fraction of rows with the usual number of fields."""
    counts = Counter(map(len, rows))
    return max(counts.values(), default=0) / max(1, len(rows))


def _rows(lines: Sequence[str], separator: str, quote: str) -> list[list[str]]:
    text = io.StringIO("\n".join(lines))
    try:
        if quote == "none":
            return [row for row in csv.reader(text, delimiter=separator, quoting=csv.QUOTE_NONE) if row]
        return [row for row in csv.reader(text, delimiter=separator) if row]
    except csv.Error:
        return [line.split(separator) for line in lines]


def _header(rows: Sequence[Sequence[str]]) -> tuple[bool, str, float]:
    """Return whether the first row has column names, with the reason and the confidence."""
    first: Sequence[str] = rows[0] if rows else ()
    known = [name for name in first if is_role_name(name)]
    if any(_is_number(field) or _is_time(field) for field in first):
        return False, "the first line has numbers or times", 0.95
    if known:
        return True, f"the first line has known names, for example {known[0]!r}", 0.98
    if len(set(first)) < len(first):
        return False, "the first line has equal fields", 0.9
    return _header_from_rest(first, _columns(rows[1:], len(first)))


def _header_from_rest(first: Sequence[str], below: Sequence[Sequence[str]]) -> tuple[bool, str, float]:
    """Return whether `first` has column names, from a comparison with the fields `below`, by column."""
    typed = sum(
        bool(fields) and all(_is_number(field) or _is_time(field) for field in fields) for fields in below
    )
    if typed:
        have = "has" if typed == 1 else "have"
        return True, f"{counted(typed, 'column')} {have} numbers or times below a text", 0.9
    if any(name in fields for name, fields in zip(first, below, strict=True)):
        return False, "fields of the first line occur again below it", 0.8
    return True, "the first line differs from the other lines", 0.55


def _columns(rows: Sequence[Sequence[str]], width: int) -> list[list[str]]:
    return [[row[number] for row in rows if number < len(row) and row[number]] for number in range(width)]


def _is_number(field: str) -> bool:
    return _NUMBER.fullmatch(field) is not None


def _is_time(field: str) -> bool:
    try:
        datetime.fromisoformat(field.strip()).replace(tzinfo=UTC)
    except ValueError:
        return False
    return True
