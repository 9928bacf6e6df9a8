"""Types of the report of `als backtest`: metrics at each cut-off, spreads, comparisons over all cut-offs."""

from als_cli.evaluation.report import (
    ComparisonReport,
    DifferenceReport,
    LeaderReport,
    MethodReport,
    PublishedState,
)
from als_cli.reports import Report


class CutOffReport(Report):
    """Metrics at one cut-off, the same as `als evaluate` gives on events up to `end`."""

    cut_off: str
    """First instant of the test period, ISO 8601. Events before it are in the training set."""
    end: str
    """End of the test period, ISO 8601. It is excluded, except in the newest period."""
    counts: dict[str, int]
    """Sizes of the training set; test users and test pairs; users and pairs left out, by reason."""
    methods: tuple[MethodReport, ...]
    """The model first, then the baselines."""
    comparisons: tuple[ComparisonReport, ...]
    """The model minus each baseline at this cut-off, in each accuracy metric at each k."""


class SpreadReport(Report):
    """Spread of one metric of one method over all cut-offs. Each cut-off counts once."""

    method: str
    metric: str
    """Metric and k, such as `ndcg@10`."""
    mean: float
    deviation: float | None
    """Standard deviation over cut-offs (n - 1); None: there is one cut-off."""
    minimum: float
    maximum: float


class LeadReport(DifferenceReport):
    """Difference over all cut-offs. The mean is that over cut-offs of the mean over users.

    In bootstrap and permutation test, a user contributes all of their cut-offs, or has one sign for all of them.
    """

    cut_offs: int
    """Number of cut-offs."""
    ahead: int
    """Number of cut-offs at which the model's metric is higher."""
    clearly_ahead: int
    """Number of cut-offs at which the conclusion is `better`."""
    clearly_behind: int
    """Number of cut-offs at which the conclusion is `worse`."""


class Backtest(Report):
    """The reproducible content of a backtest: the same seed gives the same values."""

    test_seconds: float
    """Length of a test period."""
    step_seconds: float
    """Time from one cut-off to the next."""
    exclude_seen: bool
    at: tuple[int, ...]
    """List lengths k, ascending."""
    users: int
    """Number of distinct users evaluated at one cut-off or more."""
    published: PublishedState | None
    """Whether baseline `published` is evaluated, or why it is left out; None: the config does not name it."""
    cut_offs: tuple[CutOffReport, ...]
    """Metrics at each cut-off, oldest first."""
    spreads: tuple[SpreadReport, ...]
    """Spread of each metric of each method at each k."""
    leader: LeaderReport | None = None
    """The baseline with the largest mean of `ndcg` at the smallest k over the cut-offs, if it is larger than the model's; None: the model is as good or better."""
    leads: tuple[LeadReport, ...]
    """The model minus each baseline over all cut-offs, in each accuracy metric at each k."""


class BacktestReport(Backtest):
    """The report of `als backtest`: the backtest, its folder and its duration."""

    backtest: str
    """Folder of the published backtest."""
    seconds: float
