"""What the rules did: the users, slots and items that each rule touched."""

from collections.abc import Mapping

import numpy as np

from als_cli.arrays import Int32Array
from als_cli.ranking.rules.applied import AppliedLists
from als_cli.ranking.rules.limits import LimitedColumn
from als_cli.ranking.rules.list_rules import ListRules
from als_cli.ranking.rules.selectors import Compared
from als_cli.ranking.rules.user_masks import ItemsOfUsers
from als_cli.ranking.top_n import TopN


def touched(
    rules: ListRules, lists: AppliedLists, own: ItemsOfUsers, compared: Compared | None = None
) -> dict[str, Mapping[str, int]]:
    """Return users, slots and items of each rule, by its name.

    | rule | users | slots | items |
    |---|---|---|---|
    | `seen`, `user_deny`, `not_shown` | users with items that the rule leaves out | | number of these items |
    | `user_allow` | users with items of their own | | |
    | pinned, promoted and explored items | users who got an item of the rule | slots of these items | |
    | `diversity` | users whose list differs from the order of score | slots with another item | |
    | `limit COLUMN` | users whose list has the maximum number of items of a value | slots of these values | |
    | `limit COLUMN at_least` | users whose list repeats as many values as are allowed | | |
    | `minimum_score` | users with too few items of this score | slots left to the fallback, or empty | |

    `compared` has noted what `diversity` did. `seen` is counted only if it is not the only rule on single users.
    """
    found = _of_own_items(rules, own)
    found |= {name: _counts(users, slots) for name, (users, slots) in lists.chosen.items()}
    if compared is not None:
        found["diversity"] = _counts(*compared.users_and_slots)
    for column in rules.limits.columns:
        found |= _of_limit(column, lists.slots.top)
    if rules.minimum_score is not None:
        found["minimum_score"] = _counts(*lists.below_minimum)
    return found


def _counts(users: int, slots: int) -> Mapping[str, int]:
    return {"users": users, "slots": slots}


def _of_own_items(rules: ListRules, own: ItemsOfUsers) -> dict[str, Mapping[str, int]]:
    found: dict[str, Mapping[str, int]] = {}
    if set(own.hidden) != {"seen"} or rules.seen_again_after is not None:
        for name, hidden in own.hidden.items():
            items = np.diff(hidden.indptr)
            found[name] = {"users": int(np.count_nonzero(items)), "items": int(items.sum())}
    if own.allowed is not None:
        found["user_allow"] = {"users": int(np.count_nonzero(np.diff(own.allowed.indptr)))}
    return found


def _of_limit(column: LimitedColumn, top: TopN) -> dict[str, Mapping[str, int]]:
    # Empty slots have row -1, which takes the last entry.
    codes = np.append(column.codes, np.int32(-1)).take(top.item_rows)
    codes.sort(axis=1)
    found: dict[str, Mapping[str, int]] = {}
    if column.at_most is not None:
        found[f"limit {column.name}"] = _counts(*_at_limit(codes, column.at_most))
    if column.at_least:
        repeats = top.filled.sum(axis=1) - _different(codes)
        is_full = repeats >= codes.shape[1] - column.at_least
        found[f"limit {column.name} at_least"] = {"users": int(np.count_nonzero(is_full))}
    return found


def _at_limit(ordered: Int32Array, k: int) -> tuple[int, int]:
    # In a sorted list, a value has k items if it is equal to the entry k - 1 places before it.
    reaches = (ordered[:, k - 1 :] == ordered[:, : ordered.shape[1] - k + 1]) & (ordered[:, k - 1 :] >= 0)
    values = reaches.sum(axis=1)
    return int(np.count_nonzero(values)), int(values.sum()) * k


def _different(ordered: Int32Array) -> Int32Array:
    """Return the number of different values in each row of `ordered` (B, n), without -1: (B,)."""
    is_new = ordered[:, 1:] != ordered[:, :-1]
    different: Int32Array = (is_new & (ordered[:, 1:] >= 0)).sum(axis=1) + (ordered[:, 0] >= 0)
    return different
