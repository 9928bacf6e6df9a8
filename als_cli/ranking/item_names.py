"""Entries of items for `als show`: ids, titles, ranks, and a user's history."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import polars as pl
from scipy.sparse import csr_matrix

from als_cli.dataset.interactions import Interactions
from als_cli.ranking.catalog import Catalog
from als_cli.ranking.reasons import Reasons
from als_cli.ranking.show_reports import HistoryItem, RankedItem, Reason
from als_cli.ranking.top_n import TopN
from als_cli.ranking.trends import Trends

_BEFORE_ALL_TIMES = datetime.min.replace(tzinfo=UTC)


class ItemNames:
    """Ids and titles by item row.

    Parameters
    ----------
    catalog
        The catalogue, whose titles take precedence.
    item_ids
        (I,) ids by item row.
    event_titles
        Titles from the events: item_id and title.
    """

    def __init__(
        self, catalog: Catalog | None, item_ids: pl.Series, event_titles: pl.DataFrame | None = None
    ) -> None:
        self._item_ids = item_ids
        self._titles = None if catalog is None else catalog.titles_of(item_ids)
        if event_titles is not None and event_titles["item_id"].dtype == item_ids.dtype:
            found = titles_of(event_titles, item_ids)
            self._titles = found if self._titles is None else self._titles.fill_null(found)

    def entry(self, item_row: Any) -> dict[str, Any]:
        """Return the fields `item_id` and `title` of the item."""
        row = int(item_row)
        return {"item_id": self._item_ids[row], "title": None if self._titles is None else self._titles[row]}

    def ranked(
        self, top: TopN, trends: Trends | None, because: Reasons | None = None
    ) -> tuple[RankedItem, ...]:
        """Return the items of the first list in `top`, best first, with their demand in `trends` and their reasons."""
        slots = zip(top.item_rows[0], top.scores[0], strict=True)
        return tuple(
            RankedItem(
                **self.entry(row),
                rank=rank,
                score=float(score),
                because=() if because is None else self._reasons(because, rank - 1),
                demand=None if trends is None else trends.of(int(row)),
            )
            for rank, (row, score) in enumerate(slots, start=1)
            if row >= 0
        )

    def _reasons(self, because: Reasons, slot: int) -> tuple[Reason, ...]:
        """Return the reasons of a slot of the first list."""
        entries = zip(because.item_rows[0, slot], because.shares[0, slot], strict=True)
        return tuple(Reason(**self.entry(row), share=float(share)) for row, share in entries if row >= 0)


def titles_of(event_titles: pl.DataFrame, item_ids: pl.Series) -> pl.Series:
    """Return the title of each of `item_ids`, null for items without one. `event_titles` has item_id and title."""
    ids = pl.DataFrame({"item_id": item_ids})
    return ids.join(event_titles, on="item_id", how="left", maintain_order="left")["title"]


def user_history(
    interactions: Interactions,
    scan_events: Callable[[], pl.LazyFrame],
    user_row: int,
    catalog: Catalog | None,
    event_titles: pl.DataFrame | None = None,
) -> tuple[HistoryItem, ...]:
    """Return the items of a user, newest first; items without a timestamp follow, strongest first.

    Their titles come from `catalog` and from `event_titles` (item_id and title).

    `scan_events` gives the clean events (CLEAN_EVENT_COLUMNS) that `interactions` were made from. It is called only if
    some of them have no timestamp. Otherwise `interactions` have the times.
    """
    names = ItemNames(catalog, interactions.item_ids, event_titles)
    pairs = interactions.matrix[user_row]
    if interactions.times is not None:
        last_times = _times_in(interactions, interactions.times[user_row])
    else:
        last_times = _last_times(scan_events(), interactions.user_ids[user_row])
    items = [
        HistoryItem(
            **names.entry(item),
            strength=float(strength),
            last_time=last_times.get(interactions.item_ids[int(item)]),
        )
        for item, strength in zip(pairs.indices, pairs.data, strict=True)
    ]
    return tuple(
        sorted(items, key=lambda item: (item.last_time or _BEFORE_ALL_TIMES, item.strength), reverse=True)
    )


def _times_in(interactions: Interactions, times: csr_matrix) -> dict[Any, datetime | None]:
    newest = pl.Series(times.data).cast(pl.Datetime("us", "UTC"))
    return dict(zip(interactions.item_ids.gather(times.indices), newest, strict=True))


def _last_times(events: pl.LazyFrame, user_id: Any) -> dict[Any, datetime | None]:
    newest = (
        events.filter(pl.col("user_id") == user_id)
        .group_by("item_id")
        .agg(pl.col("timestamp").max())
        .collect()
    )
    return dict(zip(newest["item_id"], newest["timestamp"], strict=True))
