"""What an evaluation says: figures per method, counts, the protocol, the gate."""

from typing import Any, Literal, Self

from pydantic import computed_field

from als_cli.evaluation.gate import Verdict
from als_cli.evaluation.significance import Conclusion, conclusion_of
from als_cli.reports import Report
from als_cli.splitting.auto_split import SplitChoice

PublishedState = Literal["compared", "same_settings", "no_model"]
"""Whether baseline `published` is among the methods, or why not."""


class MethodReport(Report):
    """One method's figures."""

    method: str
    """`als`, or the name of a baseline."""
    metrics: dict[str, float]
    """By metric and k, such as `ndcg@10`."""
    short_lists: int
    """Users whose list has fewer than max(k) items."""
    seconds: float
    """Training and ranking."""


class ComparisonReport(Report):
    """The model minus one baseline, paired by user."""

    baseline: str
    metric: str
    """An accuracy metric with its k, such as `ndcg@10`."""
    difference: float
    """Mean over users."""
    low: float
    """Lower end of the 95 % bootstrap interval of the difference."""
    high: float
    """Upper end."""
    p_value: float
    """Of the two-sided sign-flip permutation test."""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def conclusion(self) -> Conclusion:
        """`better` or `worse` where interval and test both exclude a difference of 0, else `not clear`."""
        return conclusion_of(self.low, self.high, self.p_value)


class CohortReport(Report):
    """The figures of users who have something in common."""

    column: str | None
    """The column of `evaluate.cohorts.users` that divides them; None: the length of their history."""
    cohort: str
    """Its value, `other` or `unknown`; without column `new`, `light` or `heavy`."""
    users: int
    minimum: int
    """Items in the shortest of their histories."""
    maximum: int
    """Items in the longest."""
    methods: dict[str, dict[str, float]]
    """By method, then by accuracy metric and k: means over these users."""


class ItemCohortReport(Report):
    """What becomes of items that have something in common."""

    column: str | None
    """The column of `evaluate.cohorts.items` that divides them; None: their popularity."""
    cohort: str
    """Its value, `other` or `unknown`; without column `head`, `middle` or `tail`."""
    items: int
    """Training items."""
    minimum: int
    """Training interactions of the item that has fewest."""
    maximum: int
    """Training interactions of the item that has most."""
    interactions: int
    """Training interactions of all of them."""
    test_pairs: int
    """Test pairs of evaluated users with one of these items."""
    methods: dict[str, dict[str, float | None]]
    """By method, then `slot_fraction@k` and `recall@k`; None: no place is filled, or no pair is tested."""


class FallbackReport(Report):
    """How much of the test users' lists only the fallback for people without history could fill."""

    lists: int
    """Test users without history in the training part."""
    fraction: float
    """Of all test users, evaluated or not."""
    slot_fraction: dict[str, float]
    """By k, such as `@10`: of the filled places of their lists of k, the others' filled by the model."""


class GateReport(Report):
    """How the quality gate decided."""

    metric: str
    value: float
    """The model's figure."""
    threshold: float | None
    """What it must not fall below; None: baseline `published` is left out, and the model passes with enough users."""
    baseline: str | None
    """The baseline that the threshold comes from; None: a number of the config."""
    users: int
    """Test users that the figures are means over; with fewer than 30 no gate is met."""
    low: float | None = None
    """Lower end of the interval of model minus baseline, where that must be clearly above 0; None: not asked for."""
    p_value: float | None = None
    """Its p-value."""
    met: bool

    @classmethod
    def of(cls, verdict: Verdict) -> Self:
        """Return `verdict` as a report."""
        lead = verdict.lead
        return cls(
            metric=verdict.metric,
            value=verdict.value,
            threshold=verdict.threshold,
            baseline=verdict.baseline,
            users=verdict.users,
            low=lead.low if lead else None,
            p_value=lead.p_value if lead else None,
            met=verdict.met,
        )


class SplitChoiceReport(Report):
    """How `evaluate.split: {by: auto}` chose."""

    test_users: int
    """Test users of the split, before `evaluate.users` samples them."""
    why_random: str | None
    """Why pairs are drawn; None: the split is by time."""

    @classmethod
    def of(cls, choice: SplitChoice | None) -> Self | None:
        """Return `choice` as a report, None where the config gave the split."""
        if choice is None:
            return None
        return cls(test_users=choice.test_users, why_random=choice.why_random)


class Evaluation(Report):
    """Figures that the same seed gives again."""

    split: dict[str, Any]
    """How events were divided, as in the config; never by auto."""
    split_choice: SplitChoiceReport | None = None
    """How the split was chosen where the config says auto; None: the config gave it."""
    cut_off: str | None
    """Start of the test period of a time split, ISO 8601."""
    exclude_seen: bool
    at: tuple[int, ...]
    """List lengths k, ascending."""
    counts: dict[str, int]
    """Sizes of the training part, and test users and pairs with those left out, by reason."""
    methods: tuple[MethodReport, ...]
    """The model first, then the baselines."""
    published: PublishedState | None = None
    """Whether baseline `published` is among the methods, or why not; None: not asked for."""
    fallback: FallbackReport
    comparisons: tuple[ComparisonReport, ...]
    """The model minus each baseline, in every accuracy metric at every k."""
    cohorts: tuple[CohortReport, ...]
    """All methods by length of the users' history, shortest first; then by the columns of the users' table."""
    item_cohorts: tuple[ItemCohortReport, ...]
    """All methods by the items' popularity, head first; then by the columns of the items' table."""
    gate: GateReport | None


class EvaluateReport(Evaluation):
    """What `evaluate` measured, and where it stands."""

    evaluation: str
    """Folder of the published evaluation."""
    seconds: float
