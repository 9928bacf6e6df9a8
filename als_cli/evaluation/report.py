"""Types of the report of `als evaluate`, which is also the content of metrics.json."""

from datetime import datetime
from typing import Any, Literal, Self

from pydantic import computed_field

from als_cli.evaluation.significance import Conclusion, conclusion_of
from als_cli.reports import Report
from als_cli.splitting.auto_split import SplitChoice

PublishedState = Literal["compared", "same_settings", "no_model"]
"""Whether baseline `published` is evaluated, or why it is left out."""


class MethodReport(Report):
    """Metrics of one method."""

    method: str
    """`als`, or the name of a baseline."""
    metrics: dict[str, float]
    """Keys are metric and k, such as `ndcg@10`."""
    short_lists: int
    """Number of users whose list has fewer items than the largest k."""
    seconds: float
    """Duration of training and ranking."""
    half_life: str | None = None
    """Half-life that `recent_popular` used, such as `14d`; None: another method."""


class DifferenceReport(Report):
    """Difference of the model and one baseline in one metric, paired by user."""

    baseline: str
    metric: str
    """Accuracy metric and k, such as `ndcg@10`."""
    difference: float
    """Mean of model minus baseline."""
    low: float
    """Lower end of the 95 % bootstrap interval of the difference."""
    high: float
    """Upper end of the interval."""
    p_value: float
    """p-value of the two-sided sign-flip permutation test."""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def conclusion(self) -> Conclusion:
        """`better` or `worse` if interval and test both exclude a difference of 0, else `not clear`."""
        return conclusion_of(self.low, self.high, self.p_value)


class ComparisonReport(DifferenceReport):
    """Difference in one evaluation. The mean is that over users."""


class CohortReport(Report):
    """Metrics of one cohort of test users."""

    column: str | None
    """Column of `evaluate.cohorts.users` that divides the users; None: the length of the history."""
    cohort: str
    """Value of the column, `other` or `unknown`; `new`, `light` or `heavy` if `column` is None."""
    users: int
    """Number of users."""
    minimum: int
    """Number of items in the shortest history."""
    maximum: int
    """Number of items in the longest history."""
    methods: dict[str, dict[str, float]]
    """Accuracy metrics of each method, such as `ndcg@10`: means over the users of the cohort."""


class ItemCohortReport(Report):
    """Metrics of one cohort of training items."""

    column: str | None
    """Column of `evaluate.cohorts.items` that divides the items; None: the popularity."""
    cohort: str
    """Value of the column, `other` or `unknown`; `head`, `middle` or `tail` if `column` is None."""
    items: int
    """Number of training items."""
    minimum: int
    """Number of training interactions of the least popular item."""
    maximum: int
    """Number of training interactions of the most popular item."""
    interactions: int
    """Number of training interactions of all items."""
    test_pairs: int
    """Number of test pairs of evaluated users with one of the items."""
    methods: dict[str, dict[str, float | None]]
    """`slot_fraction@k` and `recall@k` of each method; None: no slot is filled, or there is no test pair."""


class LeaderReport(Report):
    """The strongest baseline, if it is better than the model."""

    baseline: str
    metric: str
    """Accuracy metric and k, such as `ndcg@10`."""
    value: float
    """The baseline's metric."""
    model: float
    """The model's metric."""


class FallbackReport(Report):
    """Lists and slots of test users that only the fallback can fill."""

    lists: int
    """Number of test users without history in the training set."""
    fraction: float
    """`lists` as a fraction of all test users, evaluated or not."""
    slot_fraction: dict[str, float]
    """Fraction of the filled slots that the fallback fills, by k, such as `@10`; the model fills the other slots."""


class GateReport(Report):
    """The decision of the quality gate."""

    metric: str
    """Metric and k, such as `ndcg@10`."""
    value: float
    """The model's metric."""
    threshold: float | None
    """The minimum of `value`; None: baseline `published` is left out, and the model passes with enough users."""
    baseline: str | None
    """The baseline that the threshold comes from; None: the threshold is a number of the config."""
    users: int
    """Number of evaluated test users; with fewer than 30 the gate is not met."""
    low: float | None = None
    """Lower end of the 95 % interval of model minus baseline; None: the gate is not `significant`."""
    p_value: float | None = None
    """p-value of the difference; None: the gate is not `significant`."""
    met: bool


class SplitChoiceReport(Report):
    """Result of `evaluate.split: {by: auto}`."""

    test_users: int
    """Number of test users of the split, before `evaluate.users` samples them."""
    why_random: str | None
    """Why the split is `random`; None: the split is by time."""

    @classmethod
    def of(cls, choice: SplitChoice | None) -> Self | None:
        """Return the report of `choice`, None if the config gives the split."""
        if choice is None:
            return None
        return cls(test_users=choice.test_users, why_random=choice.why_random)


class Evaluation(Report):
    """The reproducible content of an evaluation: the same seed gives the same values."""

    split: dict[str, Any]
    """The split as in the config; never `auto`."""
    split_choice: SplitChoiceReport | None = None
    """Result of `auto`; None: the config gives the split."""
    cut_off: str | None
    """Start of the test period of a time split, ISO 8601; None: another split."""
    exclude_seen: bool
    at: tuple[int, ...]
    """List lengths k, ascending."""
    counts: dict[str, int]
    """Sizes of the training set; test users and test pairs; users and pairs left out, by reason."""
    methods: tuple[MethodReport, ...]
    """The model first, then the baselines."""
    published: PublishedState | None = None
    """Whether baseline `published` is evaluated, or why it is left out; None: the config does not name it."""
    fallback: FallbackReport
    comparisons: tuple[ComparisonReport, ...]
    """The model minus each baseline, in each accuracy metric at each k."""
    leader: LeaderReport | None = None
    """The strongest baseline, if it is better than the model in the gate's metric; None: the model is as good or better. Without a gate on an accuracy metric, the metric is `ndcg` at the smallest k."""
    cohorts: tuple[CohortReport, ...]
    """Cohorts of users by length of history, shortest first; then by the columns of the table of users."""
    item_cohorts: tuple[ItemCohortReport, ...]
    """Cohorts of items by popularity, most popular first; then by the columns of the table of items."""
    gate: GateReport | None


class PastValue(Report):
    """The value of the model in an evaluation that is on disk."""

    evaluated: datetime
    value: float


class EvaluateReport(Evaluation):
    """The report of `als evaluate`: the evaluation, its folder and its duration."""

    evaluation: str
    """Folder of the published evaluation."""
    history: tuple[PastValue, ...] = ()
    """The metric of the verdict in the evaluations on disk, the oldest first, this one included."""
    seconds: float
