"""The figures of lists that were shown, on the events after them."""

from datetime import datetime

from als_cli.evaluation.report import ComparisonReport
from als_cli.reports import Report


class ShownLists(Report):
    """The lists that were shown."""

    path: str
    version: str | None
    """None for lists that were copied from an output."""
    instant: datetime
    """`events.as_of` of the lists, or else the time of their run. Only later events count."""
    content: str
    """Hash of the lists and their shortfall table."""


class LaterPeriod(Report):
    """The events after the lists."""

    source: str
    first: datetime | None
    """Time of the first event after the lists; None if the events have no timestamps."""
    last: datetime | None
    rows: int
    """Rows read."""
    events: int
    """Clean events after the lists."""
    earlier: int
    """Clean events that are not after the lists. They are left out."""
    dropped: dict[str, int]
    """Rows that the config drops, per cause."""
    rejected: dict[str, int]
    """Bad rows, per reason."""


class HindsightMetric(Report):
    """A metric of the lists: mean over users, with its interval."""

    metric: str
    """hits, precision, recall, ndcg, map, mrr or hit_rate, and k."""
    value: float
    low: float
    """Lower end of the 95 % bootstrap interval."""
    high: float
    """Upper end."""
    popular: float | None
    """The value of the popularity list for the same users; None without a history."""


class RelevantItems(Report):
    """Metrics on one definition of the relevant items."""

    items: str
    """all: items that the user interacted with after the lists. new: of these, items without an earlier event of the user."""
    users: int
    """Users with a list and at least one relevant item."""
    pairs: int
    """Relevant items of these users."""
    metrics: tuple[HindsightMetric, ...]
    comparisons: tuple[ComparisonReport, ...]
    """The lists beside the popularity list; empty without a history."""


class SlotGroup(Report):
    """The slots of one source, rule, rank or reason in the lists of the evaluated users."""

    name: int | str
    shown: int
    """Slots."""
    hits: int
    """Slots with a relevant item."""
    hit_rate: float
    """Hits / shown."""
    low: float
    """Lower end of the 95 % interval: users are sampled with replacement."""
    high: float
    """Upper end."""


class Hindsight(Report):
    """How lists that were shown did on the events after them."""

    lists: ShownLists
    later: LaterPeriod
    at: tuple[int, ...]
    counts: dict[str, int]
    """users_with_list; users_with_events: users with a relevant item; users_evaluated: users with both."""
    history: str | None
    """Content hash of the dataset that gives the history; None: no dataset that reaches the lists."""
    relevant: tuple[RelevantItems, ...]
    """`all`, and `new` if there is a history."""
    sources: tuple[SlotGroup, ...]
    """By source of the slot, the largest first."""
    rules: tuple[SlotGroup, ...]
    """Pinned and promoted slots by the name of their rule, or by their source if the rule cannot be told."""
    ranks: tuple[SlotGroup, ...]
    """By rank, up to 100."""
    reasons: tuple[SlotGroup, ...]
    """By the item that is first in `because`: the 20 items with most slots."""
