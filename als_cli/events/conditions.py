"""SQL conditions on the columns of a table, such as ``price > 0 and country = 'France'``."""

from collections.abc import Sequence

import polars as pl

from als_cli.errors import ConfigError
from als_cli.events.tables import column, condensed, reading

_HINT = (
    "write an SQL condition such as: price > 0 and country = 'France'; names with spaces in double quotes, "
    "text in single quotes"
)
_SPARED = "\0spared:"
_MISFITS = (pl.exceptions.PolarsError, TypeError)


def mark(frame: pl.LazyFrame, where: str, name: str, *, key: str, file: str) -> pl.LazyFrame:
    """Return `frame` with a Boolean column `name`: whether the SQL condition `where` holds (unknown counts as no).

    Delimited text has String columns. So that ``price > 0`` works all the same, a String column that the condition
    uses counts as a number where all its values are numbers, and as a truth value where all are true or false (one
    more look at the table); where that does not fit the condition, as in ``code = '010'``, it compares as text.
    The columns that come back are left as they are.

    `key` and `file` are named in messages.

    Raises
    ------
    ConfigError
        Not SQL, not true or false, or a column that `file` does not have.
    """
    expression = _parsed(where, key)
    with reading(file):
        schema = frame.collect_schema()
    used = list(dict.fromkeys(expression.meta.root_names()))
    for one in used:
        column(schema.names(), one, key=key, file=file)
    casts = _casts(frame, [one for one in used if schema[one] == pl.String], file)
    kept = expression.fill_null(value=False).alias(name)
    try:
        return _checked(_marked(frame, casts, kept), name)
    except _MISFITS as misfit:
        try:
            return _checked(frame.with_columns(kept), name)
        except _MISFITS:
            raise ConfigError(
                f"{key} cannot be applied to {file}: {condensed(misfit)}", hint=_HINT
            ) from misfit


def _marked(frame: pl.LazyFrame, casts: dict[str, pl.Expr], kept: pl.Expr) -> pl.LazyFrame:
    spared = [pl.col(one).alias(_SPARED + one) for one in casts]
    restored = [pl.col(_SPARED + one).alias(one) for one in casts]
    marked = frame.with_columns(spared).with_columns(casts.values()).with_columns(kept)
    return marked.with_columns(restored).drop(_SPARED + one for one in casts)


def _parsed(where: str, key: str) -> pl.Expr:
    try:
        return pl.sql_expr(where)
    except pl.exceptions.PolarsError as wrong:
        raise ConfigError(f"{key}: {condensed(wrong)}", hint=_HINT) from wrong


def _casts(frame: pl.LazyFrame, names: Sequence[str], file: str) -> dict[str, pl.Expr]:
    """Return the casts by column name of those text columns that hold only numbers or only truth values."""
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
    truth = text.str.to_lowercase().replace_strict(
        {"true": True, "false": False}, default=None, return_dtype=pl.Boolean
    )
    return [truth, text.cast(pl.Int64, strict=False), text.cast(pl.Float64, strict=False)]


def _text(name: str) -> pl.Expr:
    stripped = pl.col(name).str.strip_chars()
    return pl.when(stripped != "").then(stripped)


def _checked(marked: pl.LazyFrame, name: str) -> pl.LazyFrame:
    """Return `marked` after trying it on its first row: some misfits show only when values are compared."""
    dtype = marked.collect_schema()[name]
    if dtype != pl.Boolean:
        raise TypeError(f"it gives {dtype} instead of true or false")
    marked.select(name).head(1).collect()
    return marked
