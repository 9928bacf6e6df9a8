"""The figures of the comparison of two publications of lists."""

from als_cli.reports import Report


class ComparedUsers(Report):
    """Numbers of users."""

    in_both: int
    """Users with an old and a new list. All averages are over these users."""
    only_old: int
    only_new: int
    changed: int
    """Users with both lists whose items or order differ."""
    other_items: int
    """Of these: users with another set of items."""
    other_order: int
    """Of these: users with the same items in another order."""


class Spread(Report):
    """Mean and quantiles of a figure."""

    mean: float
    p5: float
    p25: float
    median: float
    p75: float
    p95: float


class ItemMove(Report):
    """An item that lists gained or lost."""

    item_id: int | str
    users: int
    """Users with both lists of whom only one list has the item."""


class MovedItems(Report):
    """Items of all lists, and slots."""

    old: int
    """Different items of the old lists."""
    new: int
    only_old: int
    """Items that no new list has."""
    only_new: int
    """Items that no old list had."""
    slots_old: int
    slots_new: int
    slots_gained: int
    """Items that only the new list of a user has, over the users with both lists."""
    slots_lost: int
    """Items that only the old list of a user had, over the users with both lists."""
    gained_per_user: float | None
    """Mean of the gained items; None without users with both lists."""
    most_gained: tuple[ItemMove, ...]
    """The items that most users gained."""
    most_lost: tuple[ItemMove, ...]
    """The items that most users lost."""


class DriftReport(Report):
    """New score minus old score of the items in both lists of a user."""

    pairs: int
    """Pairs of user and item that the figures are computed from."""
    sampled: bool
    """Whether only a sample of the users counts, because there are more than 20 million pairs."""
    spread: Spread | None
    """None without pairs that have scores."""


class SourceMove(Report):
    """The slots of one source."""

    source: str | None
    """None: the lists have no source."""
    old: int
    """Slots of this source in the old lists."""
    new: int
    """Slots of this source in the new lists."""
    kept: int
    """Of `new`: slots whose item the old list of the user had too, at any rank and from any source."""


class ListChurn(Report):
    """The figures that `recommend.churn` compares. They are over all users with an old list."""

    rbo: float
    """Mean rank-biased overlap. A user without a new list counts 0."""
    jaccard: float
    """Mean Jaccard similarity. A user without a new list counts 0."""
    changed_users: float
    """Fraction of the users whose items or order differ, or who have no new list."""


class ListComparison(Report):
    """Two publications of lists beside each other."""

    users: ComparedUsers
    jaccard: Spread | None
    """Items in both lists / items in at least one of them; None without users with both lists."""
    rbo: Spread | None
    """Rank-biased overlap, extrapolated (Webber, Moffat & Zobel 2010, equation 32)."""
    persistence: float
    """Parameter p of the rank-biased overlap."""
    items: MovedItems
    score_drift: DriftReport
    sources: tuple[SourceMove, ...]
    """The source with most new slots first."""
    churn: ListChurn | None
    """None if there are no old lists."""
