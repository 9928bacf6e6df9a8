"""The quality gate: a model's figure against a number or a baseline's figure."""

from collections.abc import Mapping
from dataclasses import dataclass

from als_cli.errors import GateError


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
    low: float | None = None
    """Lower end of the interval of model minus baseline, which must be above nought; None: not asked for."""

    @property
    def met(self) -> bool:
        """Whether the model is at least as good, and better beyond chance where that is asked for."""
        if self.threshold is None:
            return True
        return self.value >= self.threshold and (self.low is None or self.low > 0)


def judge(
    metric: str,
    at_least: float | str,
    model: Mapping[str, float],
    baselines: Mapping[str, Mapping[str, float]],
    low: float | None = None,
) -> Verdict:
    """Return the verdict on the model's figure of `metric` against `at_least`: a number, or a key of `baselines`.

    `low` is the lower end of the interval of model minus baseline, where it must be above nought.
    """
    if isinstance(at_least, str):
        return Verdict(metric, model[metric], baselines[at_least][metric], at_least, low)
    return Verdict(metric, model[metric], at_least, None)


def require(verdict: Verdict) -> None:
    """Return when the gate is met.

    Raises
    ------
    GateError
        It is not.
    """
    if verdict.met or verdict.threshold is None:
        return
    raise GateError(
        f"quality gate not met: {verdict.metric} of the model is {verdict.value:.6g}, "
        f"{_demand(verdict, verdict.threshold)}",
        hint="tune section train (factors, regularization, iterations), or change evaluate.gate",
    )


def _demand(verdict: Verdict, threshold: float) -> str:
    against = f"baseline {verdict.baseline}" if verdict.baseline else "the gate"
    if verdict.value >= threshold and verdict.low is not None:
        return (
            f"{against} has {threshold:.6g}, and the interval of the difference begins at "
            f"{verdict.low:.6g}, not above 0"
        )
    return f"{against} demands at least {threshold:.6g}"
