"""What the rules did: the users and slots that each rule touched."""

import numpy as np

from als_cli.ranking.masks import Masks
from als_cli.ranking.rules.applied import AppliedLists
from als_cli.ranking.rules.limits import LimitedColumn
from als_cli.ranking.rules.list_rules import ListRules
from als_cli.ranking.top_n import TopN


def touched(rules: ListRules, lists: AppliedLists, masks: Masks) -> dict[str, tuple[int, int]]:
    """Return users and slots of each rule, by its name.

    | rule | users | slots |
    |---|---|---|
    | pinned and promoted items | users who got such an item | slots of these items |
    | `limit COLUMN` | users whose list has as many items of a value as are allowed | slots of such values |
    | `minimum_score` | users with too few items of this score | slots left to the fallback, or empty |
    | `hidden` | users with items that are seen, denied or shown | number of these items |
    """
    found = dict(lists.chosen)
    for column in rules.limits.columns:
        if column.at_most is not None:
            found[f"limit {column.name}"] = _at_limit(column, lists.slots.top)
    if rules.minimum_score is not None:
        found["minimum_score"] = lists.below_minimum
    if masks.seen is not None and (rules.user_deny is not None or rules.shown is not None):
        hidden = np.diff(masks.seen.indptr)
        found["hidden"] = (int(np.count_nonzero(hidden)), int(hidden.sum()))
    return found


def _at_limit(column: LimitedColumn, top: TopN) -> tuple[int, int]:
    codes = np.where(top.filled, column.codes[np.maximum(top.item_rows, 0)], -1)
    ordered = np.sort(codes, axis=1)
    # In a sorted list, a value has k items if it is equal to the entry k - 1 places before it.
    k = column.at_most or 1
    reaches = (ordered[:, k - 1 :] == ordered[:, : ordered.shape[1] - k + 1]) & (ordered[:, k - 1 :] >= 0)
    values = reaches.sum(axis=1)
    return int(np.count_nonzero(values)), int(values.sum()) * k
