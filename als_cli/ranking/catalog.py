"""The catalogue: the items that may be recommended, and their titles."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from als_cli.arrays import BoolArray
from als_cli.config.condition import columns_in
from als_cli.config.recommend import CatalogConfig
from als_cli.dataset.interactions import cast_ids, rows_of
from als_cli.errors import DataError
from als_cli.events.ids import check_id_type
from als_cli.tables.conditions import mark
from als_cli.tables.delimited import Wanted
from als_cli.tables.scan import FindFiles, column, find_files, reading, scan_table

_EXAMPLES = 3
_SELECTED = "\0selected"


@dataclass(frozen=True)
class Catalog:
    """A catalogue in memory, with rows in the order of the file."""

    path: str
    item_ids: pl.Series
    """Ids in the type of the model, null where an id has no value of this type."""
    titles: pl.Series | None
    """Titles, String. None without a title column."""
    selected: pl.Series
    """Whether the row satisfies the condition, Boolean."""
    examples: str
    """Some ids as written in the file, for messages."""

    def candidates(self, item_ids: pl.Series) -> "Candidates":
        """Return the items of the model that may be recommended; `item_ids` (I,) are the ids of the model.

        Raises
        ------
        DataError
            No row satisfies the condition, or the model knows no item of the catalogue.
        """
        if not self.selected.any():
            raise DataError(
                f"no item of {self.path} satisfies recommend.items.where",
                hint="relax the condition, or check the columns of the catalogue",
            )
        ids = self.item_ids.filter(self.selected).drop_nulls().unique()
        rows = rows_of(item_ids, ids)
        allowed = np.zeros(len(item_ids), dtype=bool)
        allowed[rows[rows >= 0]] = True
        if not allowed.any():
            raise self._no_match(item_ids)
        return Candidates(allowed, int(self.selected.sum()), int((rows < 0).sum()))

    def titles_of(self, item_ids: pl.Series) -> pl.Series | None:
        """Return the title of each of `item_ids`, null if the catalogue has none; None without a title column."""
        if self.titles is None:
            return None
        named = pl.DataFrame({"id": self.item_ids, "title": self.titles}).drop_nulls()
        named = named.unique("id", keep="first", maintain_order=True)
        return pl.DataFrame({"id": item_ids}).join(named, on="id", how="left", maintain_order="left")["title"]

    def _no_match(self, item_ids: pl.Series) -> DataError:
        known = ", ".join(repr(value) for value in item_ids.head(_EXAMPLES))
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


def read_catalog(config: CatalogConfig, id_type: pl.DataType, find: FindFiles = find_files) -> Catalog:
    """Return the catalogue with item ids cast to `id_type`; `find` finds its files.

    Raises
    ------
    DataError
        The file is missing, has no rows or cannot be read.
    ConfigError
        A column does not exist, or the condition cannot be evaluated.
    """
    frame = scan_table(config.catalog, config, _wanted(config), find=find)
    with reading(config.catalog, config):
        schema = frame.collect_schema()
    names = schema.names()
    item = column(names, config.columns.item, key="recommend.items.columns.item", file=config.catalog)
    check_id_type(schema[item], column=item, file=config.catalog)
    title = _title_column(names, config)
    wanted = [pl.col(item).alias("item"), pl.col(_SELECTED)]
    if title is not None:
        wanted.append(pl.col(title).cast(pl.String).alias("title"))
    marked = _marked(frame, config)
    with reading(config.catalog, config):
        table = marked.select(wanted).collect()
    if table.height == 0:
        raise DataError(f"{config.catalog} has no rows", hint="check how the catalogue was written")
    return Catalog(
        path=config.catalog,
        item_ids=cast_ids(table["item"], id_type),
        titles=None if title is None else table["title"],
        selected=table[_SELECTED],
        examples=", ".join(repr(value) for value in table["item"].head(_EXAMPLES)),
    )


def _marked(frame: pl.LazyFrame, config: CatalogConfig) -> pl.LazyFrame:
    if config.where is None:
        return frame.with_columns(pl.lit(value=True).alias(_SELECTED))
    return mark(frame, config.where, _SELECTED, key="recommend.items.where", file=config.catalog)


def _wanted(config: CatalogConfig) -> Wanted:
    columns = {"item": config.columns.item, "title": config.columns.title}
    return Wanted(
        "recommend.items",
        {f"recommend.items.columns.{role}": ref for role, ref in columns.items() if ref is not None},
        columns_in(config.where),
    )


def _title_column(names: list[str], config: CatalogConfig) -> str | None:
    if config.columns.title is not None:
        return column(names, config.columns.title, key="recommend.items.columns.title", file=config.catalog)
    return "title" if "title" in names else None
