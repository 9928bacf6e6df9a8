"""What `als backtest` reports: figures at each cut-off, their spread, and how often the model leads."""

from pydantic import computed_field

from als_cli.evaluation.report import ComparisonReport, MethodReport, PublishedState
from als_cli.evaluation.significance import Conclusion, conclusion_of
from als_cli.reports import Report


class CutOffReport(Report):
    """One cut-off, evaluated as `als evaluate` would have on that day."""

    cut_off: str
    """First instant of the test period, ISO 8601; everything before it is training."""
    end: str
    """End of the test period: nothing at or after it is used; the newest period holds its end too."""
    counts: dict[str, int]
    """Sizes of the training part, and test users and pairs with those left out, by reason."""
    methods: tuple[MethodReport, ...]
    """The model first, then the baselines."""
    comparisons: tuple[ComparisonReport, ...]
    """The model minus each baseline at this cut-off, in every accuracy metric at every k."""


class SpreadReport(Report):
    """One figure of one method over all cut-offs, each cut-off counted once."""

    method: str
    metric: str
    """A metric with its k, such as `ndcg@10`."""
    mean: float
    deviation: float | None
    """Standard deviation over cut-offs (n - 1), None for a single one."""
    minimum: float
    maximum: float


class LeadReport(Report):
    """The model against one baseline over all cut-offs."""

    baseline: str
    metric: str
    """An accuracy metric with its k."""
    cut_offs: int
    ahead: int
    """Cut-offs at which the model's figure is higher."""
    clearly_ahead: int
    """Cut-offs at which the model is `better`: interval and test both exclude a difference of 0."""
    clearly_behind: int
    """Cut-offs at which it is `worse`."""
    difference: float
    """Mean of the differences of the cut-offs."""
    low: float
    """Lower end of the 95 % bootstrap interval of the mean difference, users drawn with all of their cut-offs."""
    high: float
    """Upper end."""
    p_value: float
    """Of the two-sided sign-flip permutation test, a sign per user for all of their cut-offs."""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def conclusion(self) -> Conclusion:
        """`better` or `worse` where interval and test both exclude a difference of 0, else `not clear`."""
        return conclusion_of(self.low, self.high, self.p_value)


class Backtest(Report):
    """Figures that the same seed gives again."""

    test_seconds: float
    """Length of every test period."""
    step_seconds: float
    """From one cut-off to the next."""
    exclude_seen: bool
    at: tuple[int, ...]
    """List lengths k, ascending."""
    users: int
    """Different users who were evaluated at one cut-off or several."""
    published: PublishedState | None
    """Whether baseline `published` is among the methods, or why not; None: not asked for."""
    cut_offs: tuple[CutOffReport, ...]
    """The oldest first."""
    spreads: tuple[SpreadReport, ...]
    """Every method in every metric at every k."""
    leads: tuple[LeadReport, ...]
    """The model against each baseline, in every accuracy metric at every k."""


class BacktestReport(Backtest):
    """What `backtest` measured, and where it stands."""

    backtest: str
    """Folder of the published backtest."""
    seconds: float
