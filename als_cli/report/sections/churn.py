"""Differences of the published lists from the version before."""

from datetime import datetime

import polars as pl

from als_cli.evaluation.list_comparison import compare_lists
from als_cli.evaluation.list_comparison_report import ListComparison
from als_cli.evaluation.list_tables import same_types
from als_cli.report.artifacts import Artifacts, PublishedLists
from als_cli.report.item_labels import ItemLabels
from als_cli.report.parts import Table, table_of
from als_cli.report.text import count, figure, instant, percent


def comparison_with_before(published: PublishedLists) -> ListComparison | None:
    """Return the differences from the version before; None if one of the two is not there, or cannot be read."""
    if published.lists is None or published.before is None:
        return None
    return compare_lists(*same_types(published.before.table, published.lists.table))


def churn_text(found: ListComparison | None, published: PublishedLists) -> str:
    """Return how many users have another list, or why this is not known."""
    if published.lists is None:
        return "The lists are in a format for key-value stores. The report cannot read it, so they are not compared with earlier lists."
    if found is None or published.before is None:
        return "There is no earlier version of the lists to compare with."
    before = _made(published.before.instant)
    if found.churn is None:
        return f"The version before ({before}) has no lists."
    return f"Compared with the version before, of {before}: {percent(found.churn.changed_users)} of the users have other items, another order or no list."


def _made(time: datetime | None) -> str:
    return "an unknown time" if time is None else instant(time)


def churn_table(found: ListComparison) -> Table:
    """Return the figures of the comparison."""
    users, items = found.users, found.items
    rows = [
        ("users with both lists", count(users.in_both)),
        ("users with a new list only", count(users.only_new)),
        ("users with an old list only", count(users.only_old)),
        ("users whose items or order differ", count(users.changed)),
        ("items in new lists only", count(items.only_new)),
        ("items in old lists only", count(items.only_old)),
    ]
    if found.churn is not None:
        rows += [
            ("rank-biased overlap (1: equal)", figure(found.churn.rbo, 3)),
            ("Jaccard similarity of the items (1: equal)", figure(found.churn.jaccard, 3)),
        ]
    return table_of("Differences from the version before", ("figure", "value"), rows)


def moved_items(found: ListComparison, labels: ItemLabels, artifacts: Artifacts) -> Table | None:
    """Return the items that most lists gained and lost; None if there are none."""
    moves = [("gained", one) for one in found.items.most_gained] + [
        ("lost", one) for one in found.items.most_lost
    ]
    if not moves:
        return None
    ids = pl.Series([one.item_id for _, one in moves]).cast(
        artifacts.dataset.interactions.item_ids.dtype, strict=False
    )
    rows = [
        (label.title, f"{change} by", count(one.users))
        for label, (change, one) in zip(labels.of(ids), moves, strict=True)
    ]
    return table_of("Items that most lists gained and lost", ("item", "change", "lists"), rows, texts=2)
