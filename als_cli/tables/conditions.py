"""SQL conditions on the columns of a table, for example ``price > 0 and country = 'France'``."""

from collections.abc import Sequence
from typing import Literal

import polars as pl

from als_cli.config.condition import Condition, read_condition
from als_cli.errors import ConfigError, DataError
from als_cli.tables.broken import condensed, is_failed_cast
from als_cli.tables.columns import column
from als_cli.tables.scan import reading

_HINT = (
    "write an SQL condition, for example: price > 0 and country = 'France'; put names with spaces in double quotes "
    "and text in single quotes"
)
ROW = "\0row"
"""Column with the numbers of the rows, if some rows of the file are left out."""
_ORIGINAL = "\0original:"
_LEADING_ZERO = r"^[+-]?0\d"


def mark(frame: pl.LazyFrame, where: str, name: str, *, key: str, file: str) -> pl.LazyFrame:
    """Return `frame` with a Boolean column `name`: whether the SQL condition `where` is true. Unknown counts as false.

    Delimited text has only String columns. For the condition, a column is read as numbers if all its values are
    numbers without leading zeros, and as truth values if all its values are true or false. This takes one more pass
    over the columns of the condition. The returned columns keep their type.

    Messages name `key` and `file`.

    Raises
    ------
    ConfigError
        The condition is outside the language of :mod:`als_cli.config.condition`, it does not give true or false, or
        `file` has no column of that name.
    DataError
        A cast in the condition fails. The message names the first row.
    """
    condition = _read(where, key)
    with reading(file):
        schema = frame.collect_schema()
    names = [name for name in schema.names() if name != ROW]
    for used in condition.columns:
        column(names, used, key=key, file=file)
    if condition.columns:
        with reading(file):  # a broken file is not a mistake in the condition
            frame.select(condition.columns).head(1).collect()
    untyped = all(dtype == pl.String for used, dtype in schema.items() if not used.startswith("\0"))
    if untyped and _has_no_rows(frame, file):
        return frame.with_columns(pl.lit(value=True).alias(name))  # no value shows the type of a column
    casts = _casts(frame, condition.columns, file) if untyped else {}
    kept = _expression(condition, key).fill_null(value=False).alias(name)
    marked = _marked(frame, casts, kept)
    if condition.has_cast and condition.columns:
        needed = frame.select(*condition.columns, *([ROW] if ROW in schema else []))
        _check_casts(needed, casts, kept, key=key, file=file)
    try:
        dtype = marked.collect_schema()[name]
        # Some type errors, for example text against a number, occur only when values are compared.
        marked.select(name).head(1).collect()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, TypeError) as misfit:
        as_numbers = f"; columns read as numbers or truth values: {', '.join(casts)}" if casts else ""
        raise ConfigError(
            f"{key} cannot be applied to {file}: {condensed(misfit)}", hint=_HINT + as_numbers
        ) from misfit
    if dtype != pl.Boolean:
        raise ConfigError(f"{key} is not a condition: it gives {dtype} instead of true or false", hint=_HINT)
    return marked


def _marked(frame: pl.LazyFrame, casts: dict[str, pl.Expr], kept: pl.Expr) -> pl.LazyFrame:
    originals = [pl.col(cast).alias(_ORIGINAL + cast) for cast in casts]
    restored = [pl.col(_ORIGINAL + cast).alias(cast) for cast in casts]
    marked = frame.with_columns(originals).with_columns(casts.values()).with_columns(kept)
    return marked.with_columns(restored).drop(_ORIGINAL + cast for cast in casts)


def _check_casts(
    frame: pl.LazyFrame, casts: dict[str, pl.Expr], kept: pl.Expr, *, key: str, file: str
) -> None:
    """Return when no cast of the condition `kept` fails. Other errors pass later, with their own message."""
    failure = _failed_cast(_marked(frame, casts, kept), "streaming")
    if failure is None:
        return
    table = frame.collect()
    start, end = 0, table.height  # the first failure is in these rows
    while end - start > 1:
        middle = (start + end) // 2
        found = _failed_cast(_marked(table[start:middle].lazy(), casts, kept), "in-memory")
        start, end = (start, middle) if found else (middle, end)
    failure = _failed_cast(_marked(table[start:end].lazy(), casts, kept), "in-memory") or failure
    row = table[ROW][start] if ROW in table.columns else start + 1
    raise DataError(
        f"{key} fails in row {row:,} of {file}: {condensed(failure)}",
        hint="use try_cast, which gives null for this value, or correct the file",
    ) from failure


def _failed_cast(marked: pl.LazyFrame, engine: Literal["streaming", "in-memory"]) -> Exception | None:
    try:
        marked.select(pl.last()).collect(engine=engine)
    except pl.exceptions.PolarsError as failure:
        return failure if is_failed_cast(failure) else None
    except (pl.exceptions.PanicException, TypeError, OSError):
        return None
    return None


def _has_no_rows(frame: pl.LazyFrame, file: str) -> bool:
    with reading(file):
        return frame.select(pl.first()).head(1).collect(engine="streaming").is_empty()


def _read(where: str, key: str) -> Condition:
    try:
        return read_condition(where)
    except ValueError as wrong:
        raise ConfigError(f"{key}: {wrong}", hint=_HINT) from None


def _expression(condition: Condition, key: str) -> pl.Expr:
    # polars runs subqueries while it parses SQL. It gets only SQL text that read_condition has written.
    try:
        return pl.sql_expr(condition.sql)
    except pl.exceptions.PolarsError as wrong:
        raise ConfigError(f"{key}: {condensed(wrong)}", hint=_HINT) from wrong


def _casts(frame: pl.LazyFrame, names: Sequence[str], file: str) -> dict[str, pl.Expr]:
    """Return a cast for each text column of `names` that contains only numbers or only truth values."""
    if not names:
        return {}
    forms = {name: _forms(name) for name in names}
    counts = [
        (form.is_not_null().sum() == _text(name).is_not_null().sum()).alias(f"{name}\0{number}")
        for name, of_name in forms.items()
        for number, form in enumerate(of_name)
    ]
    with reading(file):
        fits = frame.select(counts).collect(engine="streaming").row(0, named=True)
    fitting = {
        name: [f for k, f in enumerate(of_name) if fits[f"{name}\0{k}"]] for name, of_name in forms.items()
    }
    return {name: of_name[0].alias(name) for name, of_name in fitting.items() if of_name}


def _forms(name: str) -> list[pl.Expr]:
    text = _text(name)
    lower = text.str.to_lowercase()
    truth = pl.when(lower.is_in(["true", "false"])).then(lower == "true")
    number = pl.when(text.str.contains(_LEADING_ZERO).not_()).then(text)
    return [truth, number.cast(pl.Int64, strict=False), number.cast(pl.Float64, strict=False)]


def _text(name: str) -> pl.Expr:
    stripped = pl.col(name).str.strip_chars()
    return pl.when(stripped != "").then(stripped)
