"""The errors of libraries that read a broken file, and their messages in one line."""

import re
import zipfile
import zlib

import polars as pl
import pyarrow as pa

UNPAIRED_QUOTE = "a quote is opened and never closed"
_PLAIN_WORDS = {
    "not properly escaped": UNPAIRED_QUOTE,
    "CSV malformed": UNPAIRED_QUOTE,
}

BROKEN = (
    *(pl.exceptions.PolarsError, pl.exceptions.PanicException),
    *(pa.ArrowException, OSError, ValueError, MemoryError),
    *(zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError),
)
"""The errors of libraries that read a broken file. A panic of polars is a BaseException."""
_FAILED_CAST = re.compile(
    r"conversion from `.*?` to `(?P<kind>.*?)` failed in column '(?P<column>.*?)' for .*? values: \[(?P<values>[^\]]{,60})"
)
_KINDS = {
    **dict.fromkeys(("i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64"), "a whole number in range"),
    **dict.fromkeys(("f32", "f64"), "a number"),
    **dict.fromkeys(("date", "datetime[μs]", "time"), "a date or time of that format"),
}


def is_failed_cast(broken: BaseException) -> bool:
    """Return whether polars could not convert a value to another type."""
    return _FAILED_CAST.search(str(broken)) is not None


def condensed(broken: BaseException) -> str:
    """Return the message of a library's error in one line."""
    cast = _FAILED_CAST.search(str(broken))
    if cast is not None:
        kind = _KINDS.get(cast["kind"], cast["kind"])
        return f"column {cast['column']!r} has a value that is not {kind}, for example {cast['values']}"
    if isinstance(broken, pl.exceptions.PanicException):
        return f"a column, or the file, is not as polars expects it ({str(broken).splitlines()[0]:.200})"
    for phrase, plain in _PLAIN_WORDS.items():
        if phrase in str(broken):
            return plain
    lines = [line.strip().rstrip(".") for line in str(broken).splitlines() if line.strip()]
    return lines[0] if lines else type(broken).__name__
