"""Positions of promoted items, and checks that the rules can apply together. They run before any list is made."""

import logging
from collections.abc import Sequence

import numpy as np

from als_cli.arrays import BoolArray, Int64Array
from als_cli.config.recommend import RecommendConfig
from als_cli.config.recommend_checks import ranks_of_share
from als_cli.errors import ConfigError
from als_cli.ranking.rules.limits import LimitedColumn, LimitState, ListLimits
from als_cli.ranking.rules.list_rules import ChosenItems

log = logging.getLogger(__name__)

_RULES = "recommend.rules"


def promoted_positions(config: RecommendConfig) -> list[Int64Array]:
    """Return the positions of each promoted rule, from 0, ascending.

    A share s has the ranks k / s, rounded up, for k = 1, 2 and so on. If a rule with positions or an earlier share has such
    a rank, the next free rank is taken.
    """
    given = [rule.positions for rule in config.rules.pinned]
    given += [rule.positions for rule in config.rules.promoted if rule.positions is not None]
    taken = {position for positions in given for position in positions}
    found = []
    for rule in config.rules.promoted:
        if rule.positions is not None:
            ranks = sorted(rule.positions)
        else:
            ranks = _spread(rule.share or 1.0, config.top_n, taken)
        taken.update(ranks)
        found.append(np.array(ranks, np.int64) - 1)
    return found


def explored_positions(config: RecommendConfig) -> Int64Array:
    """Return the positions of items sampled at random, from 0, ascending, as those of a promoted share."""
    explore = config.rules.explore
    if explore is None:
        return np.empty(0, np.int64)
    taken = {position for rule in config.rules.pinned for position in rule.positions}
    taken |= {int(position) + 1 for positions in promoted_positions(config) for position in positions}
    return np.sort(np.array(_spread(explore.share, config.top_n, taken), np.int64)) - 1


def check_limits(columns: Sequence[LimitedColumn], allowed: BoolArray | None, slots: int) -> None:
    """Return when the limits, each by itself, leave enough of the `allowed` (I,) items for a list of `slots` slots.

    Raises
    ------
    ConfigError
        A limit leaves fewer items than the list has slots, or the items have fewer different values than a list needs.
    """
    for number, column in enumerate(columns):
        key = f"{_RULES}.limits[{number}]"
        check_values(column, key, allowed, slots)
        counts, without = _value_counts(column, allowed)
        most = without + int(np.minimum(counts, column.at_most or counts.sum()).sum())
        if most < slots:
            raise ConfigError(
                f"{key}: at most {column.at_most} items of each of {np.count_nonzero(counts)} values of {column.name}"
                f" make lists of {most} items, not of {slots}",
                hint="raise at_most, or lower recommend.top_n",
            )


def check_values(column: LimitedColumn, key: str, allowed: BoolArray | None, slots: int) -> None:
    """Return when the `allowed` (I,) items have as many different values as a list of `slots` slots needs.

    Raises
    ------
    ConfigError
        They have fewer values, or the list has too few slots for so many values.
    """
    different = int(np.count_nonzero(_value_counts(column, allowed)[0]))
    if column.at_least > slots:
        raise ConfigError(
            f"{key}: a list of {slots} items cannot have {column.at_least} different values of {column.name}",
            hint="lower at_least, or raise recommend.top_n",
        )
    if column.at_least > different:
        raise ConfigError(
            f"{key}: the candidates have {different} different values of {column.name}, fewer than the"
            f" {column.at_least} that a list needs",
            hint="lower at_least, or allow more items",
        )


def _value_counts(column: LimitedColumn, allowed: BoolArray | None) -> tuple[Int64Array, int]:
    """Return the number of `allowed` items of each value, and without a value."""
    codes = column.codes if allowed is None else column.codes[allowed]
    return np.bincount(codes[codes >= 0], minlength=column.values), int(np.count_nonzero(codes < 0))


def warn_of_empty_shares(config: RecommendConfig) -> None:
    """Log a warning for each share that has no rank in a list of `top_n` items."""
    rules = config.rules
    shares = {f"promoted[{k}].share": one.share for k, one in enumerate(rules.promoted)}
    shares["explore.share"] = None if rules.explore is None else rules.explore.share
    for key, share in shares.items():
        if share is not None and not ranks_of_share(share, config.top_n):
            log.warning("%s.%s: %g of %d items has no rank", _RULES, key, share, config.top_n)


def warn_of_forbidden_pins(pinned: Sequence[ChosenItems], limits: ListLimits, slots: int) -> None:
    """Log a warning for each of `pinned` whose items `limits` do not allow together in a list of `slots` slots.

    The list is that of a user who may get all items.
    """
    state, placed = LimitState(limits, 1, slots), set[int]()
    for number, chosen in enumerate(pinned):
        items = [item for item in chosen.item_rows.tolist() if item not in placed]
        positions = int((chosen.positions < slots).sum())
        wanted = min(positions, len(items))
        taken = _taken(items, wanted, state, limits)
        placed.update(taken)
        if len(taken) < wanted:
            log.warning(
                "%s.pinned[%d]: the limits leave %d of %d positions without an item of the rule in every list",
                _RULES,
                number,
                positions - len(taken),
                positions,
            )


def _taken(items: Sequence[int], wanted: int, state: LimitState, limits: ListLimits) -> list[int]:
    """Return the first `wanted` of `items` that the limits allow, and count them in `state`."""
    taken: list[int] = []
    refused: set[tuple[int, ...]] = set()
    for item in items:
        if len(taken) == wanted:
            break
        groups = tuple(limits.groups[item].tolist()) if limits.columns else ()
        if groups in refused:
            continue
        if state.allows(item)[0]:
            state.take_one(item, np.ones(1, bool))
            taken.append(item)
        else:
            refused.add(groups)  # what a limit forbids once, it forbids in the rest of the list
    return taken


def _spread(share: float, top_n: int, taken: set[int]) -> list[int]:
    ranks: list[int] = []
    for k in range(1, ranks_of_share(share, top_n) + 1):
        first = int(np.ceil(k / share - 1e-9))
        free = next(
            (rank for rank in range(first, top_n + 1) if rank not in taken and rank not in ranks), None
        )
        if free is not None:
            ranks.append(free)
    return ranks
