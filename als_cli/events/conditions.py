"""SQL conditions on a table of the outside world."""

import polars as pl

from als_cli.errors import ConfigError
from als_cli.events.tables import column, condensed


def columns_in(where: str, names: list[str], *, key: str, file: str) -> list[str]:
    """Return the columns of a table with columns `names` that the condition `where` reads.

    Raises
    ------
    ConfigError
        The condition is no SQL expression, or names a column that the table lacks (a near name is suggested).
    """
    return [column(names, name, key=key, file=file) for name in _parsed(where, key).meta.root_names()]


def rows_that_satisfy(frame: pl.DataFrame, where: str, *, key: str) -> pl.Series:
    """Return whether each row of `frame` satisfies `where`, Boolean without nulls (unknown counts as no).

    Text columns that hold nothing but numbers, or nothing but true and false, compare as such (a CSV file has no
    types); where that does not fit the condition, for example ``code = '010'``, they compare as text.

    Raises
    ------
    ConfigError
        The condition cannot be evaluated, or is not true or false.
    """
    expression = _parsed(where, key)
    try:
        outcome = _evaluated(_typed(frame), expression)
    except pl.exceptions.PolarsError as mistyped:
        try:
            outcome = _evaluated(frame, expression)
        except pl.exceptions.PolarsError:
            raise ConfigError(
                f"{key}: {where!r} cannot be evaluated: {condensed(mistyped)}", hint=_types(frame)
            ) from mistyped
    if outcome.dtype != pl.Boolean:
        raise ConfigError(
            f"{key}: {where!r} is not a condition: it gives {outcome.dtype}", hint=_types(frame)
        )
    return outcome.fill_null(value=False)


def _parsed(where: str, key: str) -> pl.Expr:
    try:
        return pl.sql_expr(where)
    except pl.exceptions.PolarsError as broken:
        raise ConfigError(
            f"{key}: {where!r} is not an SQL condition: {condensed(broken)}",
            hint="for example: in_stock and price > 0",
        ) from broken


def _evaluated(frame: pl.DataFrame, expression: pl.Expr) -> pl.Series:
    outcome = frame.select(expression.alias("outcome"))["outcome"]
    return outcome if len(outcome) == frame.height else outcome.new_from_index(0, frame.height)


def _typed(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(_typed_column(values) for values in frame if values.dtype == pl.String)


def _typed_column(text: pl.Series) -> pl.Series:
    """Return `text` as Boolean, Int64 or Float64 where every value that is not blank is one."""
    stripped = text.str.strip_chars()
    filled = stripped.replace("", None)
    lower = filled.str.to_lowercase()
    if filled.null_count() < len(filled) and lower.drop_nulls().is_in(["true", "false"]).all():
        return lower == "true"
    for kind in (pl.Int64, pl.Float64):
        number = filled.cast(kind, strict=False)
        if number.null_count() == filled.null_count():
            return number
    return text


def _types(frame: pl.DataFrame) -> str:
    return "its columns: " + ", ".join(f"{name} ({kind})" for name, kind in _typed(frame).schema.items())
