"""Titles and categories of items, from the catalogue."""

from dataclasses import dataclass

import polars as pl

from als_cli.config.recommend import CatalogConfig
from als_cli.config.source import ColumnRef
from als_cli.ranking.catalog import Catalog, CatalogNeeds, read_catalog
from als_cli.report.text import readable
from als_cli.tables.delimited import Wanted
from als_cli.tables.scan import reading, scan_table

_CATEGORY = "report.category"
_DEFAULT_COLUMN = "category"


@dataclass(frozen=True)
class ItemLabel:
    """An item as people read it."""

    item_id: str
    title: str
    """The id if the catalogue has no title."""
    category: str
    """Empty if the catalogue has none."""


@dataclass(frozen=True)
class ItemLabels:
    """The labels of items."""

    catalog: Catalog | None
    has_categories: bool = False

    def of(self, item_ids: pl.Series) -> list[ItemLabel]:
        """Return the label of each of `item_ids`, in their order."""
        blank: list[object] = [None] * len(item_ids)
        titles, categories = blank, blank
        if self.catalog is not None:
            found = self.catalog.titles_of(item_ids)
            titles = blank if found is None else found.to_list()
            if self.has_categories:
                values = self.catalog.values[_CATEGORY].cast(pl.String, strict=False)
                categories = self.catalog.by_item(values, item_ids).to_list()
        return [
            ItemLabel(
                readable(item_id),
                readable(item_id if title is None or not str(title).strip() else title),
                "" if category is None else readable(category),
            )
            for item_id, title, category in zip(item_ids.to_list(), titles, categories, strict=True)
        ]


def item_labels(items: CatalogConfig | None, category: ColumnRef | None, id_type: pl.DataType) -> ItemLabels:
    """Return the labels from the catalogue of `items`; ids without titles if there is none.

    `category` is the column with the categories; None: column `category`, if the catalogue has it.

    Raises
    ------
    ConfigError
        A column does not exist.
    DataError
        The catalogue cannot be read.
    """
    if items is None or items.catalog is None:
        return ItemLabels(None)
    column = category if category is not None else _default_column(items, items.catalog)
    needs = CatalogNeeds() if column is None else CatalogNeeds(columns={_CATEGORY: column})
    return ItemLabels(read_catalog(items, id_type, needs=needs), column is not None)


def _default_column(items: CatalogConfig, path: str) -> str | None:
    scan = scan_table(path, items, Wanted("recommend.items", {}))
    with reading(path, items):
        names = scan.collect_schema().names()
    return _DEFAULT_COLUMN if _DEFAULT_COLUMN in names else None
