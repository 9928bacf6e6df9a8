"""Facts about the columns of a sample: type, blanks, distinct values, numbers."""

import re
from dataclasses import dataclass

import polars as pl

from als_cli.events.times import within_calendar

_EXAMPLES = 3
_SHOWN = 40
_EMAIL = r"^[^@\s]+@[^@\s]+\.[A-Za-z]{2,}$"
NULL_TOKENS = ("\\N", "NULL", "null", "None", "NaN", "nan", "N/A", "-")
"""Texts that databases and libraries write for a missing value."""
_PATTERN = re.compile(r"\*|\^.*\$", re.DOTALL)


@dataclass(frozen=True)
class ColumnFacts:
    """Facts about one column of a sample."""

    name: str
    dtype: pl.DataType
    rows: int
    blank: int
    """Rows that are null, blank text, NaN or one of `tokens`."""
    null: int
    distinct: int
    """Distinct values that are not blank."""
    numbers: int
    """Values that are numbers."""
    integers: int
    """Values that are whole numbers."""
    lowest: float | None
    highest: float | None
    median: float | None
    length: float
    """Mean number of characters of the values."""
    emails: int
    """Email addresses among the first 1,000 values."""
    examples: tuple[str, ...]
    position: int
    tokens: tuple[str, ...] = ()
    """The NULL_TOKENS that occur, in the order of that list."""

    @property
    def values(self) -> int:
        """Rows with a value."""
        return self.rows - self.blank

    @property
    def blank_fraction(self) -> float:
        """Fraction of the rows without a value."""
        return self.blank / self.rows if self.rows else 1.0

    @property
    def is_numeric(self) -> bool:
        """Whether all values are numbers."""
        return 0 < self.values == self.numbers

    @property
    def is_whole(self) -> bool:
        """Whether all values are whole numbers."""
        return 0 < self.values == self.integers

    @property
    def is_id_like(self) -> bool:
        """Whether the column can hold ids: texts or whole numbers."""
        if self.values == 0 or self.dtype.is_temporal() or self.dtype == pl.Boolean:
            return False
        return (not self.is_numeric or self.is_whole) and self.length < 200

    @property
    def is_unique(self) -> bool:
        """Whether no value occurs twice in a sample that is large enough to tell."""
        return self.values >= 50 and self.distinct == self.values


def is_pattern(name: str) -> bool:
    """Return whether polars takes `name` for a pattern of several columns. als does not use such columns."""
    return _PATTERN.fullmatch(name) is not None


def facts_of(frame: pl.DataFrame) -> dict[str, ColumnFacts]:
    """Return the facts of the columns of `frame` by name, without nested columns and names that als cannot use."""
    names = [
        name
        for name, dtype in frame.schema.items()
        if not dtype.is_nested()
        and not isinstance(dtype, pl.Duration | pl.Time | pl.Object)
        and not is_pattern(name)
    ]
    found = {}
    for name in names:
        found[name] = _facts(frame.get_column(name), frame.get_column_index(name))
    return found


def text_of(column: pl.Series, *, strip: bool = True) -> pl.Series:
    """Return `column` as text. Whole floats have no decimals. With `strip`, blanks around it are removed.

    Blanks are null, and NULL_TOKENS in a column of text too.
    """
    if column.dtype.is_float():
        column = column.fill_nan(None)
        if (column.drop_nulls() % 1 == 0).all() and (column.drop_nulls().abs() < 2**53).all():
            column = column.cast(pl.Int64)
    if column.dtype == pl.Binary:
        column = _decoded(column)
    if isinstance(column.dtype, pl.Date | pl.Datetime):
        # polars cannot show times outside the calendar.
        inside = within_calendar(pl.col(column.name), column.dtype)
        column = column.to_frame().select(inside.alias(column.name)).to_series()
    text = column.cast(pl.String, strict=False)
    stripped = text.str.strip_chars()
    missing = ["", *NULL_TOKENS] if column.dtype == pl.String else [""]
    return (stripped if strip else text).set(stripped.is_in(missing), None)


def _decoded(column: pl.Series) -> pl.Series:
    """Return a column of bytes as text, or nulls if the bytes are no UTF-8."""
    try:
        return column.cast(pl.String, strict=False)
    except pl.exceptions.ComputeError:
        return pl.Series(column.name, [None] * len(column), pl.String)


def _facts(column: pl.Series, position: int) -> ColumnFacts:
    text = text_of(column)
    values = text.drop_nulls()
    is_typed = column.dtype.is_numeric() or column.dtype.is_temporal() or column.dtype == pl.Boolean
    numbers = (
        pl.Series([], dtype=pl.Float64)
        if column.dtype.is_temporal()
        else values.cast(pl.Float64, strict=False).drop_nulls()
    )
    numbers = numbers.filter(numbers.is_finite())
    whole = int((numbers % 1 == 0).sum())
    examples = values.head(1000).unique(maintain_order=True).head(_EXAMPLES)
    return ColumnFacts(
        name=column.name,
        dtype=column.dtype,
        rows=len(column),
        blank=len(text) - len(values),
        null=column.null_count(),
        distinct=values.n_unique(),
        numbers=len(numbers),
        integers=whole,
        lowest=_number(numbers.min()),
        highest=_number(numbers.max()),
        median=_number(numbers.median()),
        length=float(values.str.len_chars().mean() or 0),  # type: ignore[arg-type]
        emails=0 if is_typed else int(values.head(1000).str.contains(_EMAIL).sum()),
        examples=tuple(value[:_SHOWN] for value in examples.to_list()),
        position=position,
        tokens=_tokens(column) if len(values) < len(text) else (),
    )


def _tokens(column: pl.Series) -> tuple[str, ...]:
    if column.dtype != pl.String:
        return ()
    found = set(column.str.strip_chars().unique().to_list())
    return tuple(token for token in NULL_TOKENS if token in found)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
