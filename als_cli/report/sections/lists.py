"""Section `lists`: coverage, popularity, sources, rules that touched lists, and churn."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from als_cli.dataset.description import concentration, fraction_of_top
from als_cli.dataset.interactions import rows_of
from als_cli.evaluation.list_tables import ListTable
from als_cli.ranking.lists import FALLBACK_SOURCES, SOURCES
from als_cli.report.artifacts import Artifacts, PublishedLists
from als_cli.report.charts.bars import Bar, bars
from als_cli.report.charts.lines import LineAxes, Mark, lines
from als_cli.report.item_labels import ItemLabels
from als_cli.report.parts import Chart, Fact, Table, table_of
from als_cli.report.sections.churn import churn_table, churn_text, comparison_with_before, moved_items
from als_cli.report.text import count, day, figure, percent, plural, readable
from als_cli.tables.scan import reading

SOURCE_NAMES = {
    "als": "trained factors of the user",
    "fold_in": "factors from the present history",
    "segment_popular": "popular in the user's segment",
    "recent_popular": "popular lately",
    "popular": "popular",
    "pinned": "pinned by a rule",
    "promoted": "promoted by a rule",
    "explore": "sampled at random",
}
_SHORTFALL = {
    "no_history": "the user has no history, and there is no fallback",
    "too_few_candidates": "there are too few candidates",
    "limits": "the limits of the rules leave no other item",
    "minimum_score": "no other item reaches the minimum score",
    "not_allowed": "the rules of the user allow no other item",
}
_MOST_LISTED = 10


@dataclass(frozen=True)
class ListsSection:
    """The published lists."""

    facts: tuple[Fact, ...]
    sources: Chart | None
    """None: the lists have no slot."""
    popularity: Chart | None
    """None: the lists are in a format that als-cli does not read."""
    most_listed: Table | None
    rules: Table | None
    shortfall: Table | None
    churn: Table | None
    """Differences from the version before; None: there is none, or it cannot be read."""
    churn_text: str
    moved: Table | None
    """Items that most lists gained and lost."""
    coverage: float | None
    """Different items in the lists / items of the model; None: unknown."""
    most_common: float | None
    """Fraction of the lists that have the item in most lists; None: unknown."""
    fallback_fraction: float
    shortfall_users: int
    changed_fraction: float | None


def lists_section(artifacts: Artifacts, published: PublishedLists, labels: ItemLabels) -> ListsSection:
    """Return the figures of the lists `published`."""
    counts, stored = published.manifest.counts, published.lists
    table = None if stored is None else _typed(stored.table, artifacts)
    slots = None if table is None else slots_per_item(table)
    comparison = comparison_with_before(published)
    users, rows = counts.get("users", 0), counts.get("rows", 0)
    items = len(
        artifacts.dataset.interactions.item_ids if artifacts.model is None else artifacts.model.item_ids
    )
    coverage = None if slots is None else slots.height / items
    shortfall = {name: counts.get(f"shortfall_{name}", 0) for name in _SHORTFALL}
    fallback = sum(counts.get(f"source_{name}", 0) for name in FALLBACK_SOURCES) / users if users else 0.0
    facts = [
        Fact("Lists", count(users), f"made {day(published.manifest.created)}"),
        Fact("Items per list", figure(rows / users, 1) if users else "–", f"{count(rows)} slots"),
        Fact("Users with a full list", percent(1 - sum(shortfall.values()) / users) if users else "–"),
    ]
    if coverage is not None and slots is not None:
        facts.append(Fact("Coverage", percent(coverage), f"{count(slots.height)} of {plural(items, 'item')}"))
    return ListsSection(
        facts=tuple(facts),
        sources=_sources(counts),
        popularity=None if slots is None else _popularity(artifacts, slots),
        most_listed=None if slots is None else _most_listed(artifacts, slots, labels, users),
        rules=_rules(published.manifest.metrics.get("rules")),
        shortfall=_shortfall(shortfall, users),
        churn=None if comparison is None else churn_table(comparison),
        churn_text=churn_text(comparison, published),
        moved=None if comparison is None else moved_items(comparison, labels, artifacts),
        coverage=coverage,
        most_common=float(slots["slots"][0]) / users
        if slots is not None and slots.height and users
        else None,
        fallback_fraction=fallback,
        shortfall_users=sum(shortfall.values()),
        changed_fraction=None
        if comparison is None or comparison.churn is None
        else comparison.churn.changed_users,
    )


def _typed(table: ListTable, artifacts: Artifacts) -> ListTable:
    """Return `table` with the id types of the dataset. Lists in text files have ids of type String."""
    found = artifacts.dataset.interactions
    return table.with_types(found.user_ids.dtype, found.item_ids.dtype)


def slots_per_item(table: ListTable) -> pl.DataFrame:
    """Return item_id and slots (UInt32), most slots first."""
    with reading(table.name):
        counts = table.frame.group_by("item_id").agg(pl.len().alias("slots")).collect(engine="streaming")
    return counts.sort("slots", "item_id", descending=[True, False])


def _sources(counts: Mapping[str, int]) -> Chart | None:
    found = {name: counts.get(f"rows_{name}", 0) for name in SOURCES}
    total = sum(found.values())
    if not total:
        return None
    rows = [
        Bar(SOURCE_NAMES[name], slots / total, percent(slots / total))
        for name, slots in found.items()
        if slots
    ]
    table = table_of(
        "Slots by source",
        ("source", "in the lists", "slots", "of all"),
        [
            (SOURCE_NAMES[name], name, count(slots), percent(slots / total))
            for name, slots in found.items()
            if slots
        ],
        texts=2,
    )
    largest = max(found, key=lambda name: found[name])
    summary = f"Where the items of the lists come from. {percent(found[largest] / total, 0)} of the slots: {SOURCE_NAMES[largest]}."
    return Chart(
        "sources",
        "Sources of the slots",
        summary,
        bars(rows, "fraction of the slots", axis_format=".0%"),
        table,
    )


def _popularity(artifacts: Artifacts, slots: pl.DataFrame) -> Chart:
    interactions = artifacts.dataset.interactions
    every = np.zeros(max(slots.height, len(interactions.item_ids)), np.int64)
    every[: slots.height] = slots["slots"].to_numpy()
    sides = {"lists": every, "events": interactions.items["interactions"].to_numpy().astype(np.int64)}
    marks = [
        Mark(x, y, f"{percent(x)} of the items: {percent(y)} of the {what}", name)
        for (name, values), what in zip(sides.items(), ("slots", "user-item pairs"), strict=True)
        for x, y in concentration(values)
    ]
    top = {name: fraction_of_top(values, 0.1) for name, values in sides.items()}
    summary = (
        f"The 10 % of the items that are listed most fill {percent(top['lists'], 0)} of the slots. The most popular 10 % "
        f"have {percent(top['events'], 0)} of the user-item pairs. A line of the lists far above the other line shows "
        "that the lists make popular items more popular."
    )
    rows = [
        (
            f"top {percent(fraction, 0)}",
            *(percent(fraction_of_top(values, fraction)) for values in sides.values()),
        )
        for fraction in (0.01, 0.1, 0.5)
    ]
    axes = LineAxes("items, largest first", "fraction of the slots or pairs", "fraction", y_format=".0%")
    table = table_of("Concentration", ("items", "slots of the lists", "user-item pairs"), rows)
    return Chart(
        "concentration",
        "Popularity of the listed items",
        summary,
        lines(marks, axes, highlighted="lists"),
        table,
    )


def _most_listed(artifacts: Artifacts, slots: pl.DataFrame, labels: ItemLabels, users: int) -> Table:
    interactions = artifacts.dataset.interactions
    top = slots.head(_MOST_LISTED)
    counts = interactions.items["interactions"].to_numpy()
    places = rows_of(interactions.item_ids, top["item_id"])
    rows = []
    for label, number, place in zip(labels.of(top["item_id"]), top["slots"], places, strict=True):
        of_item = int(counts[place]) if place >= 0 else 0
        rank = int((counts > of_item).sum()) + 1
        rows.append(
            (label.title, count(number), percent(number / max(1, users)), count(of_item), count(rank))
        )
    titles = ("item", "lists", "of all lists", "users of the item", "popularity rank")
    return table_of("The items in most lists", titles, rows)


def _rules(rules: Any) -> Table | None:
    if not isinstance(rules, Mapping) or not rules:
        return None
    rows = [
        (
            readable(name),
            *(count(touched[key]) if key in touched else "–" for key in ("users", "slots", "items")),
        )
        for name, touched in rules.items()
    ]
    return table_of("What each rule touched", ("rule", "users", "slots", "items left out"), rows)


def _shortfall(found: Mapping[str, int], users: int) -> Table | None:
    rows = [
        (_SHORTFALL[name], count(number), percent(number / users)) for name, number in found.items() if number
    ]
    return (
        table_of("Users whose list is not full, by reason", ("reason", "users", "of all"), rows)
        if rows
        else None
    )
