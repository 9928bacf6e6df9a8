"""Columns that need a query: structs, lists of structs such as the items of an order, and dates in three columns."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

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
_LIKE_ITEMS = 0.4
"""Minimum score of a list whose entries are items."""
_LIST = "\0list"
_DATE = "date"
_DATE_PARTS = ("year", "month", "day")


@dataclass(frozen=True)
class Nested:
    """A table with plain columns, which a query computes from the files."""

    frame: pl.DataFrame
    """One row per entry of the list. Fields have names such as ``item.item_id``."""
    expressions: Mapping[str, str]
    """The SQL expression of each column of `frame`."""
    rows: str
    """The FROM clause: the table, and the list that has one row per entry."""
    alias: str
    """The name of an entry of the list, as SQL."""
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Why the query computes a column, by column."""

    def query(self, outputs: Mapping[str, str], required: str | None) -> str:
        """Return a query that gives the columns `outputs`, by the names that they get.

        Rows without a value of the column `required`, for example events without items, are left out.
        """
        selected = ",\n       ".join(_selected(self.expressions[name], new) for new, name in outputs.items())
        query = f"select {selected}\nfrom {self.rows}"
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


def with_date(frame: pl.DataFrame) -> Nested | None:
    """Return the plain columns of `frame` and a date from its columns year, month and day; None without these columns."""
    names = {name.lower(): name for name in frame.columns}
    if not names.keys() >= set(_DATE_PARTS) or _DATE in frame.columns:
        return None
    parts = [names[part] for part in _DATE_PARTS]
    if not all(frame.schema[name].is_integer() or frame.schema[name] == pl.String for name in parts):
        return None
    date = pl.concat_str([pl.col(name).cast(pl.String) for name in parts], separator="-")
    sql = " || '-' || ".join(f"cast({quoted(name)} as varchar)" for name in parts)
    fields = {
        name: (pl.col(name), quoted(name))
        for name, dtype in frame.schema.items()
        if not is_pattern(name) and not dtype.is_nested()
    }
    fields[_DATE] = (date, sql)
    flat = frame.select(expression.alias(name) for name, (expression, _) in fields.items())
    return Nested(flat, {name: text for name, (_, text) in fields.items()}, EVENTS_TABLE, "")


def flattened(frame: pl.DataFrame) -> Nested | None:
    """Return `frame` without nesting, None if no column is nested.

    If several columns are lists of structs, the list whose fields look the most like an item gets one row per entry.
    Other lists are left out.
    """
    if not any(dtype.is_nested() for dtype in frame.dtypes):
        return None
    entries = _list_of_items(frame)
    alias = next(name for name in ("item", "line", "entry", "list_entry") if name not in frame.columns)
    fields: dict[str, tuple[pl.Expr, str]] = {}
    for name, dtype in frame.schema.items():
        if not is_pattern(name):
            fields.update(_fields(name, dtype, pl.col(name), quoted(name)))
    rows = EVENTS_TABLE
    if entries is not None:
        # An empty list gives no row, as in SQL.
        listed = frame.with_columns(entries.expression.alias(_LIST))
        frame = listed.filter(pl.col(_LIST).list.len() > 0).explode(_LIST)
        fields.update(_fields(alias, frame.schema[_LIST], pl.col(_LIST), alias))
        rows = entries.rows(alias)
    used = dict(list(fields.items())[:_MAXIMUM_FIELDS])
    flat = frame.select(expression.alias(name) for name, (expression, _) in used.items())
    return Nested(flat, {name: text for name, (_, text) in used.items()}, rows, alias)


@dataclass(frozen=True)
class _List:
    """A list of structs, in a column or in a field of a struct."""

    expression: pl.Expr
    sql: str
    score: float
    """How much its entries look like items, from 0 to 1."""
    is_column: bool

    def rows(self, alias: str) -> str:
        """Return the FROM clause with one row per entry, which has the name `alias`."""
        if self.is_column:
            return f"{EVENTS_TABLE} cross join unnest({self.sql}) as {alias}"
        # polars unnests columns only.
        table = f"(select *, {self.sql} as {alias}_list from {EVENTS_TABLE}) as nested"  # noqa: S608 - quoted names
        return f"{table} cross join unnest({alias}_list) as {alias}"


def _list_of_items(frame: pl.DataFrame) -> _List | None:
    lists = [
        found
        for name, dtype in frame.schema.items()
        if not is_pattern(name)
        for found in _lists(name, dtype, pl.col(name), quoted(name), is_column=True)
    ]
    best = max(lists, key=lambda one: one.score, default=None)
    return best if best is not None and best.score >= _LIKE_ITEMS else None


def _lists(
    name: str, dtype: pl.DataType, expression: pl.Expr, sql: str, *, is_column: bool
) -> Iterator[_List]:
    """Yield the lists of structs in a column or a field, outside other lists."""
    if isinstance(dtype, pl.Struct):
        for field in dtype.fields:
            if not is_pattern(field.name):
                inner = _type_of(field)
                path = f"{sql}.{quoted(field.name)}"
                value = expression.struct.field(field.name)
                yield from _lists(f"{name}.{field.name}", inner, value, path, is_column=False)
    elif isinstance(dtype, pl.List | pl.Array) and isinstance(dtype.inner, pl.Struct):
        fields = [field for field, _ in _fields("", dtype.inner, expression, "")]
        scores = [name_score("item", field.rsplit(".", maxsplit=1)[-1]) for field in fields]
        yield _List(expression, sql, max([*scores, 0.5 * name_score("item", name)]), is_column)


def _type_of(field: pl.Field) -> pl.DataType:
    return field.dtype if isinstance(field.dtype, pl.DataType) else field.dtype()


def _fields(
    name: str, dtype: pl.DataType, expression: pl.Expr, sql: str
) -> Iterator[tuple[str, tuple[pl.Expr, str]]]:
    """Yield each plain field of a column, with its expression in polars and in SQL."""
    if isinstance(dtype, pl.Struct):
        for field in dtype.fields:
            if is_pattern(field.name):
                continue
            inner = _type_of(field)
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
