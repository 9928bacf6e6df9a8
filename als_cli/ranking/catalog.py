"""The catalogue: the items that may be recommended, and their titles."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import polars as pl

from als_cli.arrays import BoolArray, Int32Array
from als_cli.config.condition import columns_in
from als_cli.config.recommend import CatalogConfig
from als_cli.config.source import ColumnRef
from als_cli.dataset.interactions import cast_ids, rows_of
from als_cli.errors import DataError
from als_cli.events.ids import check_id_type
from als_cli.ranking.availability import SINCE, UNTIL, VALUE, available
from als_cli.tables.columns import column
from als_cli.tables.conditions import mark
from als_cli.tables.delimited import Wanted
from als_cli.tables.scan import FindFiles, find_files, reading, scan_table

_EXAMPLES = 3
_ITEM, _TITLE = "recommend.items.columns.item", "recommend.items.columns.title"
_WHERE = "recommend.items.where"
_MARK = "\0mark:"


@dataclass(frozen=True)
class Catalog:
    """A catalogue in memory, with rows in the order of the file."""

    path: str
    item_ids: pl.Series
    """Ids in the type of the model, null where an id has no value of this type."""
    titles: pl.Series | None
    """Titles, String. None without a title column."""
    satisfying: pl.Series
    """Whether the row satisfies the condition, Boolean."""
    selected: pl.Series
    """Whether the row satisfies the condition and is available at `instant`, Boolean."""
    instant: datetime
    examples: str
    """Some ids as written in the file, for messages."""
    values: Mapping[str, pl.Series]
    """Values of the columns that were asked for, by config key."""
    marks: Mapping[str, pl.Series]
    """Whether the row satisfies each condition that was asked for, Boolean, by config key."""

    def candidates(self, item_ids: pl.Series) -> "Candidates":
        """Return the items of the model that may be recommended; `item_ids` (I,) are the ids of the model.

        Raises
        ------
        DataError
            No row satisfies the condition, or the model knows no item of the catalogue.
        """
        self.check_selected()
        ids = self.item_ids.filter(self.selected).drop_nulls().unique()
        rows = rows_of(item_ids, ids)
        allowed = _marks(rows, len(item_ids))
        if not allowed.any():
            raise self._no_match(item_ids)
        return Candidates(
            allowed,
            int(self.selected.sum()),
            int((rows < 0).sum()),
            self._left_out(item_ids, int(allowed.sum())),
        )

    def check_selected(self) -> None:
        """Return when a row satisfies the condition and is available.

        Raises
        ------
        DataError
            There is none.
        """
        if self.selected.any():
            return
        if self.satisfying.any():
            raise self._unavailable(f"no item of {self.path} is available")
        raise DataError(
            f"no item of {self.path} satisfies recommend.items.where",
            hint="relax the condition, or check the columns of the catalogue",
        )

    def _left_out(self, item_ids: pl.Series, selected: int) -> dict[str, int]:
        """Return how many of the model's items are not in the catalogue, do not satisfy the condition, or are not available."""
        known, satisfying = (
            int(_marks(rows_of(item_ids, ids.drop_nulls().unique()), len(item_ids)).sum())
            for ids in (self.item_ids, self.item_ids.filter(self.satisfying))
        )
        counts = {
            "catalog": len(item_ids) - known,
            "where": known - satisfying,
            "available": satisfying - selected,
        }
        return {name: count for name, count in counts.items() if count}

    def titles_of(self, item_ids: pl.Series) -> pl.Series | None:
        """Return the title of each of `item_ids`, null if the catalogue has none; None without a title column."""
        return None if self.titles is None else self.by_item(self.titles, item_ids)

    def by_item(self, values: pl.Series, item_ids: pl.Series) -> pl.Series:
        """Return the value of each of `item_ids`, from its first row with a value; null for items without one."""
        named = pl.DataFrame({"id": self.item_ids, "value": values}).drop_nulls()
        named = named.unique("id", keep="first", maintain_order=True)
        return pl.DataFrame({"id": item_ids}).join(named, on="id", how="left", maintain_order="left")["value"]

    def marked(self, key: str) -> pl.Series:
        """Return the ids of the items that satisfy the condition `key`, in the order of the catalogue, without duplicates."""
        return self.item_ids.filter(self.marks[key]).drop_nulls().unique(maintain_order=True)

    def _unavailable(self, problem: str) -> DataError:
        return DataError(
            f"recommend.items.available: {problem} at {self.instant:%Y-%m-%d %H:%M:%S} UTC",
            hint="check the columns of since and until, and the instant: events.as_of, or else the clock",
        )

    def _no_match(self, item_ids: pl.Series) -> DataError:
        known = ", ".join(repr(value) for value in item_ids.head(_EXAMPLES))
        if (rows_of(item_ids, self.item_ids.filter(self.satisfying).drop_nulls()) >= 0).any():
            return self._unavailable(f"no item of {self.path} that the model knows is available")
        if (rows_of(item_ids, self.item_ids.drop_nulls()) >= 0).any():
            return DataError(
                f"no item of {self.path} that satisfies recommend.items.where is known to the model",
                hint="these items have no events yet; relax the condition, or train on newer events",
            )
        return DataError(
            f"no item id of {self.path} is known to the model: the file has {self.examples}, "
            f"the model has {known} ({item_ids.dtype})",
            hint="check recommend.items.columns.item, and the type of ids in events.id_types.item",
        )


@dataclass(frozen=True)
class Candidates:
    """The items that may be recommended, and counts of the catalogue's items."""

    allowed: BoolArray
    """(I,) by item row: whether the item may be recommended."""
    selected: int
    """Rows of the catalogue that satisfy the condition."""
    never_interacted: int
    """Selected items that the model does not know, because no user has interacted with them."""
    left_out: Mapping[str, int]
    """Items of the model that `catalog`, `where` and `available` leave out, without zeros."""


def _marks(rows: Int32Array, items: int) -> BoolArray:
    marks = np.zeros(items, bool)
    marks[rows[rows >= 0]] = True
    return marks


@dataclass(frozen=True)
class CatalogNeeds:
    """What rules need of the catalogue."""

    columns: Mapping[str, ColumnRef] = field(default_factory=dict)
    """Columns, by config key."""
    conditions: Mapping[str, str] = field(default_factory=dict)
    """SQL conditions, by config key."""


def read_catalog(
    config: CatalogConfig,
    id_type: pl.DataType,
    find: FindFiles = find_files,
    *,
    needs: CatalogNeeds | None = None,
    instant: datetime | None = None,
) -> Catalog | None:
    """Return the catalogue with item ids cast to `id_type`; None if `config` has no catalogue.

    `find` finds its files. Items must be available at `instant` (default: now).

    Raises
    ------
    DataError
        The file is missing, has no rows or cannot be read. Or a time of availability is unreadable.
    ConfigError
        A column does not exist, or a condition cannot be evaluated.
    """
    if config.catalog is None:
        return None
    path, needs, instant = config.catalog, needs or CatalogNeeds(), instant or datetime.now(UTC)
    frame = scan_table(path, config, _wanted(config, needs), find=find)
    with reading(path, config):
        schema = frame.collect_schema()
    columns = _columns(schema.names(), config, needs)
    check_id_type(schema[columns[_ITEM]], column=columns[_ITEM], file=path)
    for key, where in {_WHERE: config.where or "true", **needs.conditions}.items():
        frame = mark(frame, where, _MARK + key, key=key, file=path)
    wanted = [pl.col(name).alias(VALUE + key) for key, name in columns.items()]
    marks = [pl.col(_MARK + key) for key in (_WHERE, *needs.conditions)]
    with reading(path, config):
        table = frame.select(*wanted, *marks).collect()
    if table.height == 0:
        raise DataError(f"{path} has no rows", hint="check how the catalogue was written")
    items = table[VALUE + _ITEM]
    return Catalog(
        path=path,
        item_ids=cast_ids(items, id_type),
        titles=table[VALUE + _TITLE].cast(pl.String) if _TITLE in columns else None,
        satisfying=table[_MARK + _WHERE],
        selected=table[_MARK + _WHERE] & available(table, columns, path, instant),
        instant=instant,
        examples=", ".join(repr(value) for value in items.head(_EXAMPLES)),
        values={key: table[VALUE + key] for key in needs.columns},
        marks={key: table[_MARK + key] for key in needs.conditions},
    )


def _columns(names: list[str], config: CatalogConfig, needs: CatalogNeeds) -> dict[str, str]:
    """Return the columns of the catalogue to read, by config key."""
    found = {
        key: column(names, ref, key=key, file=config.catalog or "") for key, ref in _references(config, needs)
    }
    if _TITLE not in found and "title" in names:
        found[_TITLE] = "title"
    return found


def _references(config: CatalogConfig, needs: CatalogNeeds) -> list[tuple[str, ColumnRef]]:
    references = {
        _ITEM: config.columns.item,
        _TITLE: config.columns.title,
        SINCE: None if config.available is None else config.available.since,
        UNTIL: None if config.available is None else config.available.until,
        **needs.columns,
    }
    return [(key, ref) for key, ref in references.items() if ref is not None]


def _wanted(config: CatalogConfig, needs: CatalogNeeds) -> Wanted:
    conditions = [config.where, *needs.conditions.values()]
    used = tuple(dict.fromkeys(name for where in conditions for name in columns_in(where)))
    return Wanted("recommend.items", dict(_references(config, needs)), used)
