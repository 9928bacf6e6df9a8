"""The catalogue: which items may be recommended, and what they are called."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from als_cli.arrays import BoolArray
from als_cli.config.recommend import CatalogConfig
from als_cli.dataset.interactions import cast_ids, rows_of
from als_cli.errors import DataError
from als_cli.tables.conditions import mark
from als_cli.tables.delimited import Wanted
from als_cli.tables.scan import FindFiles, column, find_files, reading, scan_table

_EXAMPLES = 3
_SELECTED = "\0selected"


@dataclass(frozen=True)
class Catalog:
    """A catalogue read in; its rows in file order."""

    path: str
    item_ids: pl.Series
    """Ids in the model's type, null where an id cannot be one."""
    titles: pl.Series | None
    """Readable names, String; None without a title column."""
    selected: pl.Series
    """Boolean: the row satisfies the condition."""
    examples: str
    """Some ids as they stand in the file, for messages."""

    def candidates(self, item_ids: pl.Series) -> "Candidates":
        """Return which of `item_ids`, the model's, may be recommended.

        Raises
        ------
        DataError
            No row satisfies the condition, or no id of the catalogue is one of the model's.
        """
        if not self.selected.any():
            raise DataError(
                f"no item of {self.path} satisfies recommend.items.where",
                hint="relax the condition, or check the catalogue's columns",
            )
        ids = self.item_ids.filter(self.selected).drop_nulls().unique()
        rows = rows_of(item_ids, ids)
        allowed = np.zeros(len(item_ids), dtype=bool)
        allowed[rows[rows >= 0]] = True
        if not allowed.any():
            raise self._no_match(item_ids)
        return Candidates(allowed, int(self.selected.sum()), int((rows < 0).sum()))

    def titles_of(self, item_ids: pl.Series) -> pl.Series | None:
        """Return the title of each of `item_ids`, null where the catalogue has none; None without titles."""
        if self.titles is None:
            return None
        named = pl.DataFrame({"id": self.item_ids, "title": self.titles}).drop_nulls()
        named = named.unique("id", keep="first", maintain_order=True)
        return pl.DataFrame({"id": item_ids}).join(named, on="id", how="left", maintain_order="left")["title"]

    def _no_match(self, item_ids: pl.Series) -> DataError:
        ours = ", ".join(repr(x) for x in item_ids.head(_EXAMPLES))
        if (rows_of(item_ids, self.item_ids.drop_nulls()) >= 0).any():
            return DataError(
                f"no item of {self.path} that satisfies recommend.items.where is known to the model",
                hint="those items have no events yet; relax the condition, or train on newer events",
            )
        return DataError(
            f"no item id of {self.path} is known to the model: the file has {self.examples}, "
            f"the model has {ours} ({item_ids.dtype})",
            hint="check recommend.items.columns.item, and events.id_types.item for the type of ids",
        )


@dataclass(frozen=True)
class Candidates:
    """The items that may be recommended, and what the catalogue said about the others."""

    allowed: BoolArray
    """(I,) by item row."""
    selected: int
    """Rows of the catalogue that satisfy the condition."""
    never_interacted: int
    """Selected items that the model does not know: nobody has interacted with them."""


def read_catalog(config: CatalogConfig, id_type: pl.DataType, find: FindFiles = find_files) -> Catalog:
    """Return the catalogue, with item ids cast to `id_type`; `find` finds its files.

    Raises
    ------
    DataError
        The file is missing, empty or unreadable.
    ConfigError
        A column does not exist, or the condition cannot be evaluated.
    """
    frame = scan_table(config.catalog, config, _wanted(config), find=find)
    with reading(config.catalog, config):
        names = frame.collect_schema().names()
    item = column(names, config.columns.item, key="recommend.items.columns.item", file=config.catalog)
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
    )


def _title_column(names: list[str], config: CatalogConfig) -> str | None:
    if config.columns.title is not None:
        return column(names, config.columns.title, key="recommend.items.columns.title", file=config.catalog)
    return "title" if "title" in names else None
