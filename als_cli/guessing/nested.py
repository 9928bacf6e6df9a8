"""Nested columns: structs, and lists of structs such as the items of an order. A query flattens them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from als_cli.config.query import EVENTS_TABLE
from als_cli.guessing.facts import is_pattern
from als_cli.guessing.names import name_score

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RESERVED = {
    "select",
    "from",
    "where",
    "order",
    "group",
    "by",
    "as",
    "on",
    "join",
    "cross",
    "in",
    "is",
    "not",
}
_RESERVED |= {"and", "or", "null", "true", "false", "case", "when", "then", "else", "end", "user", "date"}
_RESERVED |= {"time", "timestamp", "value", "type", "limit", "offset", "union", "having", "all", "any", "key"}
_MAXIMUM_FIELDS = 200


@dataclass(frozen=True)
class Nested:
    """A table with nested columns, flattened."""

    frame: pl.DataFrame
    """One row per entry of the list. Fields have names such as ``item.item_id``."""
    expressions: Mapping[str, str]
    """The SQL expression of each column of `frame`."""
    unnested: str | None
    """The list that has one row per entry, as SQL; None if there is no such list."""
    alias: str
    """The name of an entry of the list, as SQL."""

    def query(self, outputs: Mapping[str, str], required: str | None) -> str:
        """Return a query that gives the columns `outputs`, by the names that they get.

        Rows without a value of the column `required`, for example events without items, are left out.
        """
        selected = ",\n       ".join(_selected(self.expressions[name], new) for new, name in outputs.items())
        query = f"select {selected}\nfrom {EVENTS_TABLE}"
        if self.unnested is not None:
            query += f" cross join unnest({self.unnested}) as {self.alias}"
        if required is not None:
            query += f"\nwhere {self.expressions[required]} is not null"
        return query


def quoted(name: str) -> str:
    """Return `name` as an SQL identifier, in quotes if it needs them."""
    if _PLAIN.fullmatch(name) and name.lower() not in _RESERVED and _is_column(name):
        return name
    return '"' + name.replace('"', '""') + '"'


def _is_column(name: str) -> bool:
    try:
        return pl.sql_expr(name).meta.root_names() == [name]
    except pl.exceptions.PolarsError:
        return False


def flattened(frame: pl.DataFrame) -> Nested | None:
    """Return `frame` without nesting, None if no column is nested.

    Of the lists of structs, the one whose fields look the most like an item gets one row per entry. Other lists are
    left out.
    """
    if not any(dtype.is_nested() for dtype in frame.dtypes):
        return None
    entries = _list_of_items(frame)
    alias = next(name for name in ("item", "line", "entry", "list_entry") if name not in frame.columns)
    fields: dict[str, tuple[pl.Expr, str]] = {}
    for name, dtype in frame.schema.items():
        if is_pattern(name):
            continue
        fields.update(_fields(name, dtype, pl.col(name), quoted(name)))
    if entries is not None:
        # An empty list gives no row, as in SQL.
        frame = frame.filter(pl.col(entries).list.len() > 0).explode(entries)
        entry = frame.schema[entries]
        fields.update(_fields(alias, entry, pl.col(entries), alias))
    used = dict(list(fields.items())[:_MAXIMUM_FIELDS])
    flat = frame.select(expression.alias(name) for name, (expression, _) in used.items())
    sql = {name: text for name, (_, text) in used.items()}
    return Nested(flat, sql, None if entries is None else quoted(entries), alias)


def _list_of_items(frame: pl.DataFrame) -> str | None:
    scores = {}
    for name, dtype in frame.schema.items():
        inner = dtype.inner if isinstance(dtype, pl.List | pl.Array) else None
        if isinstance(inner, pl.Struct) and not is_pattern(name):
            fields = [name_score("item", field.name) for field in inner.fields]
            scores[name] = max([*fields, 0.5 * name_score("item", name)])
    best = max(scores, key=lambda name: scores[name], default=None)
    return best if best is not None and scores[best] >= 0.4 else None


def _fields(
    name: str, dtype: pl.DataType, expression: pl.Expr, sql: str
) -> Iterator[tuple[str, tuple[pl.Expr, str]]]:
    """Yield each plain field of a column, with its expression in polars and in SQL."""
    if isinstance(dtype, pl.Struct):
        for field in dtype.fields:
            if is_pattern(field.name):
                continue
            inner = field.dtype if isinstance(field.dtype, pl.DataType) else field.dtype()
            yield from _fields(
                f"{name}.{field.name}",
                inner,
                expression.struct.field(field.name),
                f"{sql}.{quoted(field.name)}",
            )
    elif not dtype.is_nested():
        yield name, (expression, sql)


def _selected(expression: str, name: str) -> str:
    is_named = expression.rsplit(".", maxsplit=1)[-1] == quoted(name)
    return expression if is_named else f"{expression} as {quoted(name)}"
