"""Titles and categories of items, from the catalogue. The events can have titles too."""

from dataclasses import dataclass
from functools import cached_property

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
    """The id if neither the catalogue nor the events have a title."""
    category: str
    """Empty if the catalogue has none."""


@dataclass(frozen=True)
class ItemLabels:
    """The labels of items."""

    catalog: Catalog | None
    has_categories: bool = False
    event_titles: pl.DataFrame | None = None
    """Titles from the events: item_id and title. A title of the catalogue takes precedence."""

    def of(self, item_ids: pl.Series) -> list[ItemLabel]:
        """Return the label of each of `item_ids`, in their order."""
        categories = self.categories_of(item_ids)
        return [
            ItemLabel(
                readable(item_id),
                readable(self._titles.get(item_id) or item_id),
                readable(category) if category else "",
            )
            for item_id, category in zip(item_ids.to_list(), categories, strict=True)
        ]

    def categories_of(self, item_ids: pl.Series) -> list[str]:
        """Return the category of each of `item_ids` as in the catalogue, empty for items without one."""
        return [self._categories.get(item_id, "") for item_id in item_ids.to_list()]

    @cached_property
    def _titles(self) -> dict[object, str]:
        of_events = {} if self.event_titles is None else dict(self.event_titles.iter_rows())
        if self.catalog is None or self.catalog.titles is None:
            return of_events
        return of_events | _by_item(self.catalog, self.catalog.titles)

    @cached_property
    def _categories(self) -> dict[object, str]:
        if self.catalog is None or not self.has_categories:
            return {}
        return _by_item(self.catalog, self.catalog.values[_CATEGORY])


def _by_item(catalog: Catalog, values: pl.Series) -> dict[object, str]:
    """Return the value of each item as text without outer white space, from its first row with a value."""
    texts = values.cast(pl.String, strict=False).str.strip_chars().replace("", None)
    ids = catalog.item_ids.drop_nulls().unique(maintain_order=True)
    found = pl.DataFrame({"id": ids, "value": catalog.by_item(texts, ids)}).drop_nulls()
    return dict(found.iter_rows())


def item_labels(
    items: CatalogConfig | None,
    category: ColumnRef | None,
    id_type: pl.DataType,
    event_titles: pl.DataFrame | None = None,
) -> ItemLabels:
    """Return the labels from the catalogue of `items` and from `event_titles` (item_id and title).

    Items without a title have their id as title. `category` is the column with the categories; None: column `category`,
    if the catalogue has it.

    Raises
    ------
    ConfigError
        A column does not exist.
    DataError
        The catalogue cannot be read.
    """
    if items is None or items.catalog is None:
        return ItemLabels(None, event_titles=event_titles)
    column = category if category is not None else _default_column(items, items.catalog)
    needs = CatalogNeeds() if column is None else CatalogNeeds(columns={_CATEGORY: column})
    return ItemLabels(read_catalog(items, id_type, needs=needs), column is not None, event_titles)


def _default_column(items: CatalogConfig, path: str) -> str | None:
    scan = scan_table(path, items, Wanted("recommend.items", {}))
    with reading(path, items):
        names = scan.collect_schema().names()
    return _DEFAULT_COLUMN if _DEFAULT_COLUMN in names else None
