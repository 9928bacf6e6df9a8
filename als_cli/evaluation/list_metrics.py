"""What a method's lists look like together: coverage, popularity, concentration.

Every metric takes `exposure` (C,) - in how many lists each of the C candidate items stands - and `interactions` (C,) -
the item's training interactions - and returns one number. Formulas: docs/evaluation.md.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

CountArray = npt.NDArray[np.int64]
RowArray = npt.NDArray[np.int32]
ListMetric = Callable[[CountArray, CountArray], float]


def exposure_of(item_rows: RowArray, items: int) -> CountArray:
    """Return in how many of the lists `item_rows` (B, k; -1 where unfilled) each item stands, (items,) int64."""
    return np.bincount(item_rows[item_rows >= 0], minlength=items).astype(np.int64)


def coverage(exposure: CountArray, interactions: CountArray) -> float:  # noqa: ARG001 - one signature for all
    """Return the share of candidate items that stand in at least one list, 0 to 1."""
    return float(np.count_nonzero(exposure) / len(exposure)) if len(exposure) else 0.0


def popularity(exposure: CountArray, interactions: CountArray) -> float:
    """Return the mean number of training interactions of the listed items, over all filled places."""
    places = int(exposure.sum())
    return float(exposure @ interactions) / places if places else 0.0


def gini(exposure: CountArray, interactions: CountArray) -> float:  # noqa: ARG001 - one signature for all
    """Return the Gini coefficient of exposure over candidate items: 0 when all are listed alike, towards 1 when few are."""
    places = int(exposure.sum())
    if places == 0:
        return 0.0
    count = len(exposure)
    weighted = float(np.arange(1, count + 1) @ np.sort(exposure))
    return 2.0 * weighted / (count * places) - (count + 1) / count


LIST_METRICS: dict[str, ListMetric] = {"coverage": coverage, "popularity": popularity, "gini": gini}
"""Metrics by the names of the config, in the order of the tables."""
