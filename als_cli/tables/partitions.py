"""Hive partitions: folders such as ``date=2026-01-31``, whose values are columns of the files below them."""

import re
from pathlib import Path
from urllib.parse import unquote

import polars as pl

_FOLDER = re.compile(r"([^=]+)=(.*)", re.DOTALL)
_NULL = "__HIVE_DEFAULT_PARTITION__"


def partition_values(path: str) -> dict[str, str | None]:
    """Return the value of each partition column of the file at `path`, as text. The innermost folder wins."""
    found = (_FOLDER.fullmatch(folder) for folder in Path(path).parts[:-1])
    return {
        unquote(match[1]): None if match[2] in ("", _NULL) else unquote(match[2])
        for match in found
        if match is not None
    }


def with_partitions(frame: pl.LazyFrame, path: str) -> pl.LazyFrame:
    """Return `frame`, the scan of the file at `path`, with its partition columns after the columns of the file.

    They are String. A column of the file takes precedence over a partition column of the same name.
    """
    values = partition_values(path)
    if not values:
        return frame
    names = frame.collect_schema().names()
    return frame.with_columns(
        pl.lit(value, pl.String).alias(name) for name, value in values.items() if name not in names
    )
