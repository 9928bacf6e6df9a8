"""Types of ids: one type for all sources, selected so that no id changes."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from als_cli.config.events import IdType
from als_cli.errors import DataError

_TEXT_TYPES = (pl.String, pl.Categorical, pl.Enum, pl.Null, pl.Boolean, pl.Binary)


@dataclass(frozen=True)
class IdFacts:
    """Type and counts of the id column of one source."""

    file: str
    column: str
    dtype: pl.DataType
    """String, an integer type or Float64, after :func:`plain_id`."""
    ids: int
    """Values that are not null and not blank."""
    integers: int
    """Ids that are plain integers within Int64."""


def plain_id(name: str, dtype: pl.DataType, *, column: str, file: str) -> pl.Expr:
    """Return the id column `name` as String, integer or Float64. A blank text or NaN gives null.

    Raises
    ------
    DataError
        The column's type cannot hold ids (a list, a date).
    """
    check_id_type(dtype, column=column, file=file)
    raw = pl.col(name)
    if dtype.is_integer():
        return raw
    if dtype.is_float():
        return pl.when(raw.is_finite()).then(raw.cast(pl.Float64))
    if isinstance(dtype, pl.Decimal):
        return raw.cast(pl.Float64 if dtype.scale else pl.Int64, strict=False)
    text = raw.cast(pl.String, strict=False)
    return pl.when(text.str.strip_chars() != "").then(text)


def check_id_type(dtype: pl.DataType, *, column: str, file: str) -> None:
    """Return when a column of type `dtype` can hold ids.

    Raises
    ------
    DataError
        It cannot: it holds lists, dates or other values. The message names the file and the column.
    """
    if not (dtype.is_numeric() or dtype in _TEXT_TYPES):
        raise DataError(
            f"{file}: column {column!r} holds {dtype}, which cannot be an id",
            hint="map a column of integers or texts",
        )


def is_plain_integer(plain: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Return whether an id is an integer within Int64 that reads back unchanged: no leading zero, no plus sign."""
    if dtype == pl.String:
        return plain.cast(pl.Int64, strict=False).cast(pl.String) == plain
    return plain.cast(pl.Int64, strict=False) == plain


def common_type(declared: IdType, columns: Sequence[IdFacts], *, side: str) -> pl.DataType:
    """Return the common type of all ids of a `side` (user or item).

    * Integer columns of one type keep this type. Integer columns of several types become Int64.
    * Float and text columns become Int64 if all their ids are plain integers.
    * All other columns become String.

    Raises
    ------
    DataError
        One source has numbers, another has texts that are not integers, and the type is not declared.
    """
    if declared == "string":
        return pl.String()
    with_ids = [facts for facts in columns if facts.ids]
    integer_types = {facts.dtype for facts in with_ids}
    if len(integer_types) == 1 and all(dtype.is_integer() for dtype in integer_types):
        return integer_types.pop()
    texts = [facts for facts in with_ids if facts.dtype == pl.String and facts.integers < facts.ids]
    numbers = [facts for facts in with_ids if facts.dtype != pl.String]
    if declared == "int":
        return pl.Int64()
    if texts and numbers:
        raise DataError(
            f"{side} ids have different types: {numbers[0].file} has numbers "
            f"({numbers[0].column!r}: {numbers[0].dtype}), {texts[0].file} has texts ({texts[0].column!r})",
            hint=f"write one type in all sources, or set events.id_types.{side}: string",
        )
    if texts or any(facts.integers < facts.ids and facts.dtype == pl.Float64 for facts in numbers):
        return pl.String()
    return pl.Int64()


def as_id(plain: pl.Expr, dtype: pl.DataType, target: pl.DataType) -> pl.Expr:
    """Return the ids `plain` of type `dtype` as type `target`. An id that is not of this type gives null."""
    if dtype == target:
        return plain
    if dtype in (pl.Binary, pl.Categorical, pl.Enum):
        return as_id(plain.cast(pl.String, strict=False), pl.String(), target)
    whole = plain.cast(pl.Int64, strict=False)
    if target == pl.String:
        text = plain.cast(pl.String)
        return (
            pl.when(whole == plain).then(whole.cast(pl.String)).otherwise(text) if dtype.is_float() else text
        )
    if dtype.is_float():
        return pl.when(whole == plain).then(whole).cast(target, strict=False)
    return plain.cast(target, strict=False)
