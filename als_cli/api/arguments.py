"""Checks of arguments: lists of ids, and frames."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from als_cli.dataset.interactions import cast_ids
from als_cli.errors import DataError

Ids = Sequence[Any] | pl.Series

_FRAMES = {
    "pandas": "convert it with `pl.from_pandas({name})`",
    "pyarrow": "convert it with `pl.from_arrow({name})`",
}
"""Hints for the frames of other libraries."""


def ids_of(given: Ids, known: pl.Series, side: str) -> pl.Series:
    """Return the `given` ids as the type of the `known` ones, sorted, without duplicates.

    Raises
    ------
    DataError
        `given` is a single id and no list, or an id cannot be one of side `side`.
    """
    ids = _series(given, known, side)
    cast = cast_ids(ids.rename(known.name), known.dtype)
    if cast.null_count():
        wrong = ids.filter(cast.is_null())[0]
        raise DataError(
            f"{wrong!r} cannot be a {side} id: ids are {known.dtype}", hint=f"an id is {known[0]!r}"
        )
    return cast.unique().sort()


def _series(given: Any, known: pl.Series, side: str) -> pl.Series:
    if isinstance(given, pl.Series):
        return given
    single = (str, bytes, Mapping, pl.DataFrame, pl.LazyFrame)
    if isinstance(given, single) or not isinstance(given, Iterable):
        example = given if isinstance(given, str | int) else known[0]
        raise DataError(
            f"the {side}s are of type {type_name(given)}, and not a list",
            hint=f"give a list of ids: [{example!r}]",
        )
    try:
        return pl.Series(list(given))
    except (TypeError, pl.exceptions.PolarsError) as mixed:
        raise DataError(
            f"the ids of the {side}s have different types", hint=f"an id is {known[0]!r}"
        ) from mixed


def check_frame(given: Any, name: str, *, lazy: bool = False) -> None:
    """Return if `given`, the argument `name`, is a frame of polars. With `lazy`, it may be a LazyFrame.

    Raises
    ------
    DataError
        It has another type. The message names the type.
    """
    if isinstance(given, pl.DataFrame | pl.LazyFrame if lazy else pl.DataFrame):
        return
    library = type(given).__module__.partition(".")[0]
    hint = _FRAMES.get(library, "give a frame of polars, for example `pl.DataFrame({name})`").format(
        name=name
    )
    if isinstance(given, pl.LazyFrame):
        hint = f"collect it: `{name}.collect()`"
    raise DataError(f"{name} is of type {type_name(given)}, and not a polars DataFrame", hint=hint)


def type_name(value: object) -> str:
    """Return the name of the type of `value`, with its library unless it is built in."""
    kind = type(value)
    library = kind.__module__.partition(".")[0]
    return kind.__qualname__ if library == "builtins" else f"{library}.{kind.__qualname__}"
