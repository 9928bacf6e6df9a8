"""The tables that section `recommend` reads: what the rules need of them, and checks that need no dataset."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from als_cli.config.recommend import RecommendConfig, UsersFile
from als_cli.config.rules import ItemsFile, PinnedItems, PromotedItems, ValueLimit
from als_cli.config.source import ColumnRef, TableFormat
from als_cli.dataset.interactions import rows_of
from als_cli.errors import AlsError, ConfigError
from als_cli.events.ids import check_id_type
from als_cli.ranking.catalog import Catalog, CatalogNeeds, read_catalog
from als_cli.ranking.rules.feasible import check_values
from als_cli.ranking.rules.limits import LimitedColumn
from als_cli.tables.columns import column
from als_cli.tables.delimited import Wanted
from als_cli.tables.scan import find_files, has_pipe, reading, scan_table

_RULES = "recommend.rules"


@dataclass(frozen=True)
class IdTable:
    """A file with ids of users or items."""

    key: str
    """Config key of its section."""
    path: str
    form: TableFormat
    ids: Mapping[str, ColumnRef]
    """Columns with ids, by the last name of their config key."""
    others: Mapping[str, ColumnRef] = field(default_factory=dict)
    """Other columns, by the last name of their config key."""

    @property
    def is_found(self) -> bool:
        """Whether the file can be found."""
        try:
            find_files(self.path)
        except AlsError:
            return False
        return True

    def check(self) -> None:
        """Return when the file has the columns.

        Raises
        ------
        ConfigError
            It lacks a column.
        DataError
            It is missing, it cannot be read, or a column cannot hold ids.
        """
        columns = {f"{self.key}.{name}": ref for name, ref in {**self.ids, **self.others}.items()}
        scan = scan_table(self.path, self.form, Wanted(self.key, columns))
        with reading(self.path, self.form):
            schema = scan.collect_schema()
        for key, ref in columns.items():
            name = column(schema.names(), ref, key=key, file=self.path)
            if key.rpartition(".")[2] in self.ids:
                check_id_type(schema[name], column=name, file=self.path)


def id_tables(config: RecommendConfig) -> Iterator[IdTable]:
    """Yield the files of ids of section `recommend`, without pipes, which can be read only once."""
    for table in _id_tables(config):
        if not has_pipe(table.path):
            yield table


def check_rule_tables(config: RecommendConfig, instant: datetime | None) -> None:
    """Return when all tables of section `recommend` have what the rules need, as far as they show it without a dataset.

    Pipes are left out. Availability is that of `instant` (default: now).

    Raises
    ------
    ConfigError
        A table lacks a column, a condition cannot be evaluated, or a column has fewer values than a list needs.
    DataError
        A table is missing or cannot be read. Or no item of the catalogue may be recommended.
    """
    for table in id_tables(config):
        table.check()
    items = config.items
    if items is None or items.catalog is None or has_pipe(items.catalog):
        return
    catalog = read_catalog(items, pl.String(), needs=catalog_needs(config), instant=instant)
    if catalog is not None:
        check_catalog(config, catalog)


def check_catalog(config: RecommendConfig, catalog: Catalog) -> None:
    """Return when items of `catalog` may be recommended, and have enough different values for each limit.

    The candidates are some of these items, so they have no more values.

    Raises
    ------
    DataError
        No item may be recommended.
    ConfigError
        The items have too few values, or a column holds no single values.
    """
    catalog.check_selected()
    ids = catalog.item_ids.filter(catalog.selected).drop_nulls().unique()
    for number, limit in enumerate(config.rules.limits):
        key = f"{_RULES}.limits[{number}]"
        check_values(limited_column(limit, key, catalog, ids), key, None, config.top_n)


def catalog_needs(config: RecommendConfig) -> CatalogNeeds:
    """Return what the rules of section `recommend` need of the catalogue."""
    rules = config.rules
    chosen = {
        **{f"{_RULES}.pinned[{k}].where": one.where for k, one in enumerate(rules.pinned)},
        **{f"{_RULES}.promoted[{k}].where": one.where for k, one in enumerate(rules.promoted)},
    }
    return CatalogNeeds(
        columns={f"{_RULES}.limits[{k}].column": limit.column for k, limit in enumerate(rules.limits)},
        conditions={key: where for key, where in chosen.items() if where is not None},
    )


def limited_column(limit: ValueLimit, key: str, catalog: Catalog, item_ids: pl.Series) -> LimitedColumn:
    """Return the values of `item_ids` (I,) in the column of `limit`, which has the config key `key`.

    Raises
    ------
    ConfigError
        The column does not hold single values.
    """
    values = catalog.by_item(catalog.values[f"{key}.column"], item_ids)
    if values.dtype.is_nested() or values.dtype in (pl.Binary, pl.Object):
        raise ConfigError(
            f"{key}.column: column {limit.column!r} of {catalog.path} holds {values.dtype}, not single values",
            hint="use a column of texts or numbers",
        )
    if values.dtype == pl.String:
        values = values.replace("", None)
    names = values.drop_nulls().unique().sort()
    codes = rows_of(names, values)
    return LimitedColumn(str(limit.column), codes, len(names), limit.at_most, limit.at_least or 0)


def _id_tables(config: RecommendConfig) -> Iterator[IdTable]:
    users, segments = config.users, config.segments
    if isinstance(users, UsersFile):
        yield IdTable("recommend.users", users.file, users, {"column": users.column})
    yield from _item_tables(config)
    for name, pairs in (("user_allow", config.rules.user_allow), ("user_deny", config.rules.user_deny)):
        if pairs is not None:
            yield IdTable(f"{_RULES}.{name}", pairs.file, pairs, {"user": pairs.user, "item": pairs.item})
    if segments is not None:
        ids, others = {"user": segments.user}, {"column": segments.column}
        yield IdTable("recommend.segments", segments.file, segments, ids, others)


def _item_tables(config: RecommendConfig) -> Iterator[IdTable]:
    rules: dict[str, ItemsFile | PinnedItems | PromotedItems | None] = {
        "items.allow": None if config.items is None else config.items.allow,
        "items.deny": None if config.items is None else config.items.deny,
    }
    rules |= {f"rules.pinned[{k}]": one for k, one in enumerate(config.rules.pinned)}
    rules |= {f"rules.promoted[{k}]": one for k, one in enumerate(config.rules.promoted)}
    for key, rule in rules.items():
        if rule is not None and rule.file is not None:
            yield IdTable(f"recommend.{key}", rule.file, rule, {"column": rule.column})
