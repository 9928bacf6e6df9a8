"""Section `items`: the neighbours of some items, and a map of all items."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from als_cli.als.threads import blas_limited_to
from als_cli.arrays import Float32Array, Float64Array, Int64Array
from als_cli.ranking.similar import similar_items, unit_vectors
from als_cli.ranking.top_n import TopN
from als_cli.report.charts.scatter import Point, scatter
from als_cli.report.item_labels import ItemLabel, ItemLabels
from als_cli.report.parts import Chart
from als_cli.report.text import count, figure, percent, plural
from als_cli.storage.model_files import StoredModel

_CARDS = 24
_NEIGHBOURS = 6
_MINIMUM_USERS = 5
"""Users of an item whose neighbours are shown."""
_MAXIMUM_GROUPS = 7
_COMPARED = 400
"""Items whose nearest neighbour is compared in its category."""


@dataclass(frozen=True)
class NeighbourRow:
    """A neighbour of an item."""

    title: str
    item_id: str
    category: str
    same_category: bool
    similarity: str


@dataclass(frozen=True)
class ItemCard:
    """An item and its neighbours."""

    title: str
    item_id: str
    category: str
    users: str
    neighbours: tuple[NeighbourRow, ...]


@dataclass(frozen=True)
class ItemsSection:
    """What the model knows about items."""

    cards: tuple[ItemCard, ...]
    agreement: str
    """How many nearest neighbours have the category of the item; empty without categories."""
    map: Chart | None
    """None: fewer than three items have a direction."""


def items_section(model: StoredModel, labels: ItemLabels, points: int) -> ItemsSection:
    """Return the neighbours of some items of `model`, and a map of up to `points` items."""
    users = model.item_interactions.to_numpy().astype(np.int64)
    popular = np.argsort(-users, kind="stable")
    cards = _cards(model, labels, _shown_rows(users, popular))
    return ItemsSection(cards, _agreement(model, labels, popular), _map(model, labels, popular[:points]))


def _shown_rows(users: Int64Array, popular: Int64Array) -> Int64Array:
    """Return the rows of the most popular items, and of items of all popularities with enough users."""
    enough = popular[users[popular] >= _MINIMUM_USERS]
    spread = enough[
        np.unique(np.linspace(0, max(0, len(enough) - 1), _CARDS).round().astype(np.int64))[: len(enough)]
    ]
    return np.asarray(spread if len(enough) else popular[:_CARDS], np.int64)


def _cards(model: StoredModel, labels: ItemLabels, rows: Int64Array) -> tuple[ItemCard, ...]:
    nearest = similar_items(model.factors.items, rows, _NEIGHBOURS)
    users = model.item_interactions.to_numpy()
    shown = labels.of(model.item_ids.gather(rows))
    return tuple(
        ItemCard(label.title, label.item_id, label.category, plural(int(users[row]), "user"), neighbours)
        for row, label, neighbours in zip(
            rows, shown, _neighbours(model, labels, shown, nearest), strict=True
        )
    )


def _neighbours(
    model: StoredModel, labels: ItemLabels, shown: Sequence[ItemLabel], nearest: TopN
) -> list[tuple[NeighbourRow, ...]]:
    found = []
    for place, label in enumerate(shown):
        filled = nearest.item_rows[place] >= 0
        names = labels.of(model.item_ids.gather(nearest.item_rows[place][filled]))
        found.append(
            tuple(
                NeighbourRow(
                    one.title,
                    one.item_id,
                    one.category,
                    bool(one.category) and one.category == label.category,
                    figure(float(score), 2),
                )
                for one, score in zip(names, nearest.scores[place][filled], strict=True)
            )
        )
    return found


def _agreement(model: StoredModel, labels: ItemLabels, popular: Int64Array) -> str:
    if not labels.has_categories:
        return ""
    rows = popular[:: max(1, len(popular) // _COMPARED)][:_COMPARED]
    nearest = similar_items(model.factors.items, rows, 1)
    has_neighbour = nearest.item_rows[:, 0] >= 0
    own = np.array(labels.categories_of(model.item_ids.gather(rows[has_neighbour])))
    other = np.array(labels.categories_of(model.item_ids.gather(nearest.item_rows[has_neighbour, 0])))
    known = (own != "") & (other != "")
    if not known.any():
        return ""
    every = np.array(labels.categories_of(model.item_ids))
    _, sizes = np.unique(every[every != ""], return_counts=True)
    chance = float(((sizes / sizes.sum()) ** 2).sum())
    same = float((own[known] == other[known]).mean())
    return (
        f"The nearest neighbour has the same category for {percent(same, 0)} of {plural(int(known.sum()), 'item')}. "
        f"Two random items have the same category in {percent(chance, 0)} of the cases. "
        "The model does not use categories. It learns from the events alone."
    )


def principal_components(vectors: Float32Array) -> tuple[Float64Array, float]:
    """Return the first two principal components of `vectors` (R, f) as (R, 2), and their fraction of the variance.

    The row with the largest absolute value of a component is positive there, so the same vectors always give the same
    map. Cost: R f m + m^3 for m = min(R, f).
    """
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    rows, factors = centred.shape
    with blas_limited_to(1):  # the rounding of BLAS depends on the number of threads
        is_wide = factors > rows
        variances, directions = np.linalg.eigh(centred @ centred.T if is_wide else centred.T @ centred)
        top = np.maximum(variances[::-1][:2], 0.0)
        found = directions[:, ::-1][:, :2]
        found = found * np.sqrt(top) if is_wide else centred @ found
    found = found * np.where(found[np.abs(found).argmax(axis=0), np.arange(found.shape[1])] < 0, -1.0, 1.0)
    if found.shape[1] < 2:
        found = np.column_stack([found, np.zeros(rows)])
    total = float(np.maximum(variances, 0.0).sum())
    return found, float(top.sum() / total) if total > 0 else 0.0


def _map(model: StoredModel, labels: ItemLabels, rows: Int64Array) -> Chart | None:
    units, has_direction = unit_vectors(np.asarray(model.factors.items[rows]))
    rows, units = rows[has_direction], units[has_direction]
    if len(rows) < 3:
        return None
    places, variance = principal_components(units)
    shown = labels.of(model.item_ids.gather(rows))
    users = model.item_interactions.to_numpy()[rows].astype(np.int64)
    groups, names = _groups(shown, users, labels)
    points = [
        Point(float(x), float(y), label.title, group, plural(int(number), "user"))
        for (x, y), label, group, number in zip(places, shown, groups, users, strict=True)
    ]
    colours = "category" if labels.has_categories else "number of users"
    summary = (
        f"Each point is one of {count(len(points))} items, coloured by {colours}. Items that the same users choose are "
        f"near each other. Two dimensions show {percent(variance, 0)} of the differences between items, so near points "
        "are not always neighbours."
    )
    return Chart("item-map", "Map of the items", summary, scatter(points, names))


def _groups(shown: Sequence[ItemLabel], users: Int64Array, labels: ItemLabels) -> tuple[list[str], list[str]]:
    """Return the group of each item, and all groups in the order of the legend."""
    if not labels.has_categories:
        bounds = np.quantile(users, [0.5, 0.9])
        names = ["most users (top 10 %)", "many users (next 40 %)", "few users (other half)"]
        return [names[int(number <= bounds[1]) + int(number <= bounds[0])] for number in users], names
    categories = pl.Series([label.category or "none" for label in shown])
    counts = categories.value_counts().sort("count", categories.name, descending=[True, False])
    kept = counts[categories.name].head(_MAXIMUM_GROUPS).to_list()
    groups = [name if name in kept else "other" for name in categories]
    return groups, [*kept, "other"] if counts.height > len(kept) and "other" not in kept else kept
