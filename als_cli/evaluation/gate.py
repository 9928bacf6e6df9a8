"""The quality gate: a model's figure against a number or a baseline's figure."""

from collections.abc import Mapping
from dataclasses import dataclass

from als_cli.errors import GateError
from als_cli.evaluation.significance import Conclusion, conclusion_of
from als_cli.splitting.protocol import FEWEST_USERS


@dataclass(frozen=True)
class Lead:
    """Model minus baseline, as the comparison of the two found it."""

    low: float
    """Lower end of the interval of the mean difference."""
    high: float
    """Upper end."""
    p_value: float

    @property
    def conclusion(self) -> Conclusion:
        """Whether the model is clearly better or worse."""
        return conclusion_of(self.low, self.high, self.p_value)


@dataclass(frozen=True)
class Verdict:
    """How the gate decided."""

    metric: str
    """Metric and k, such as ``ndcg@10``."""
    value: float
    """The model's figure."""
    threshold: float | None
    """What it must not fall below; None: there is nothing to fall below."""
    baseline: str | None
    """The baseline that the threshold comes from; None: a number of the config."""
    users: int
    """Test users that the figures are means over."""
    lead: Lead | None = None
    """Lead over the baseline, which must be clear; None: not asked for."""

    @property
    def met(self) -> bool:
        """Whether there are enough test users, the model is at least as good, and clearly better if that is asked for."""
        if self.users < FEWEST_USERS:
            return False
        if self.threshold is None:
            return True
        return self.value >= self.threshold and (self.lead is None or self.lead.conclusion == "better")


def decide(
    metric: str,
    at_least: float | str,
    model: Mapping[str, float],
    baselines: Mapping[str, Mapping[str, float]],
    users: int,
    lead: Lead | None = None,
) -> Verdict:
    """Return the verdict on the model's figure of `metric` against `at_least`: a number, or a key of `baselines`.

    The figures are means over `users` test users. `lead` is the lead over the baseline, where it must be clear.
    """
    if isinstance(at_least, str):
        return Verdict(metric, model[metric], baselines[at_least][metric], at_least, users, lead)
    return Verdict(metric, model[metric], at_least, None, users)


def require(verdict: Verdict) -> None:
    """Return when the gate is met.

    Raises
    ------
    GateError
        It is not.
    """
    if verdict.met:
        return
    if verdict.users < FEWEST_USERS or verdict.threshold is None:
        raise GateError(
            f"quality gate not met: the number of test users is {verdict.users}, "
            f"a gate needs at least {FEWEST_USERS}",
            hint="choose a longer test period (evaluate.split.test) or another evaluate.split, raise evaluate.users "
            "if it is set, or leave evaluate.gate out",
        )
    raise GateError(
        f"quality gate not met: {verdict.metric} of the model is {verdict.value:.6g}, "
        f"{_demand(verdict, verdict.threshold)}",
        hint="tune section train (factors, regularization, iterations), or change evaluate.gate",
    )


def _demand(verdict: Verdict, threshold: float) -> str:
    against = f"baseline {verdict.baseline}" if verdict.baseline else "the gate"
    if verdict.value >= threshold and verdict.lead is not None:
        lead = verdict.lead
        return (
            f"{against} has {threshold:.6g}, and the lead is not clear: 95 % interval "
            f"{lead.low:+.6g} to {lead.high:+.6g}, p = {lead.p_value:.3g}"
        )
    return f"{against} demands at least {threshold:.6g}"
