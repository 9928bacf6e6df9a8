"""The first line of delimited text that has more fields than the first line. polars does not say which line it is."""

import csv
import io
from pathlib import Path

from als_cli.config.source import TableFormat
from als_cli.errors import AlsError, DataError
from als_cli.tables.broken import BROKEN
from als_cli.tables.comments import check_comments
from als_cli.tables.decompression import open_decompressed
from als_cli.tables.delimited import separator_of

TOO_LONG = "found more fields"
"""This text is in the error of polars."""
_HINT = "correct the line; a field that has the separator in it must be in quotes"


def long_line_error(name: str, fmt: TableFormat) -> DataError:
    """Return the error for table `name`, in which a line has more fields than the first line; with its number, if known."""
    found = None
    try:
        if Path(name).is_file():
            with open_decompressed(Path(name)) as raw:
                check_comments(raw, name, fmt.encoding)
            found = _first_long_line(Path(name), fmt)
    except DataError as comments:
        return comments
    except (AlsError, *BROKEN, csv.Error):  # the text is broken in another way too
        found = None
    if found is None:
        return DataError(f"{name} cannot be read: a line has more fields than the first line", hint=_HINT)
    line, fields, width = found
    return DataError(
        f"{name} cannot be read: line {line:,} has more fields than the first line: {fields:,} instead of {width:,}",
        hint=_HINT,
    )


def _first_long_line(path: Path, fmt: TableFormat) -> tuple[int, int, int] | None:
    """Return the number of the line from 1, its number of fields, and the fields of the first line; None without one."""
    separator = separator_of(path, str(path), fmt)
    with open_decompressed(path) as raw:
        text = io.TextIOWrapper(raw, encoding=fmt.encoding, errors="replace", newline="")
        if fmt.quote == "none":
            rows = csv.reader(text, delimiter=separator, quoting=csv.QUOTE_NONE)
        else:
            rows = csv.reader(text, delimiter=separator, quotechar=fmt.quote)
        width, start = len(next(rows, [])), 2
        for row in rows:
            if len(row) > width:
                return start, len(row), width
            start = rows.line_num + 1
    return None
