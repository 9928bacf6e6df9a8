"""The quality gate: the model's metric must reach a number, or the metric of a baseline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from als_cli.config.evaluate import STRONGEST, EvaluateConfig, GateConfig
from als_cli.errors import ConfigError, GateError
from als_cli.evaluation.leader import describe_leader, strongest_of
from als_cli.evaluation.methods import MODEL, PUBLISHED
from als_cli.evaluation.report import ComparisonReport, GateReport, LeaderReport
from als_cli.evaluation.with_rules import WITH_RULES
from als_cli.splitting.protocol import MINIMUM_TEST_USERS


@dataclass(frozen=True)
class Verdict:
    """The decision of the gate, and the values that it depends on."""

    metric: str
    """Metric and k, such as ``ndcg@10``."""
    value: float
    """The model's metric."""
    threshold: float | None
    """The minimum of `value`; None: baseline `published` is left out, so there is no minimum."""
    baseline: str | None
    """The baseline that the threshold comes from; None: the threshold is a number of the config."""
    users: int
    """Number of evaluated test users."""
    comparison: ComparisonReport | None = None
    """Comparison with the baseline, which must say `better`; None: the gate is not `significant`."""
    is_strongest: bool = False
    """Whether the gate compares with the strongest baseline, which is `baseline`."""

    @property
    def met(self) -> bool:
        """Whether there are enough users, the value reaches the threshold, and the comparison, if any, says `better`."""
        if self.users < MINIMUM_TEST_USERS:
            return False
        if self.threshold is None:
            return True
        is_better = self.comparison is None or self.comparison.conclusion == "better"
        return self.value >= self.threshold and is_better

    def explains(self, leader: LeaderReport) -> bool:
        """Return whether the error of a gate that is not met says that `leader` is better than the model."""
        is_compared = (self.baseline, self.metric) == (leader.baseline, leader.metric)
        return is_compared and not self.met and self.users >= MINIMUM_TEST_USERS

    def report(self) -> GateReport:
        """Return the verdict for metrics.json."""
        compared = self.comparison
        return GateReport(
            metric=self.metric,
            value=self.value,
            threshold=self.threshold,
            baseline=self.baseline,
            users=self.users,
            low=compared.low if compared else None,
            p_value=compared.p_value if compared else None,
            met=self.met,
        )


def check_gate(config: EvaluateConfig) -> None:
    """Check that the evaluation computes the metrics that `config.gate` compares.

    Raises
    ------
    ConfigError
        The metric's k is not in `evaluate.at`, or the baseline is not in `evaluate.baselines`, or there is no baseline.
    """
    gate = config.gate
    if gate is None:
        return
    k = int(gate.metric.partition("@")[2])
    if k not in config.at:
        raise ConfigError(
            f"evaluate.gate.metric is {gate.metric}, but evaluate.at does not contain {k}",
            hint=f"add {k} to evaluate.at",
        )
    if gate.at_least == STRONGEST:
        if not set(config.baseline_names) - {PUBLISHED}:
            raise ConfigError(
                "evaluate.gate.at_least is strongest, but evaluate.baselines contains no baseline except published",
                hint="add popular to evaluate.baselines, or set evaluate.gate.at_least to a number",
            )
    elif isinstance(gate.at_least, str) and gate.at_least not in config.baseline_names:
        raise ConfigError(
            f"evaluate.gate.at_least is {gate.at_least}, but evaluate.baselines does not contain it",
            hint=f"add {gate.at_least} to evaluate.baselines",
        )


def decide(
    gate: GateConfig | None,
    metrics: Mapping[str, Mapping[str, float]],
    comparisons: Sequence[ComparisonReport],
    users: int,
) -> Verdict | None:
    """Return the verdict of `gate` on `metrics`, the metrics of each method over `users` test users; None without a gate.

    `comparisons` compare the model with each baseline. If the gate compares with `published` and that baseline is
    left out, the verdict has no threshold.
    """
    if gate is None:
        return None
    values = {method: found[gate.metric] for method, found in metrics.items()}
    value = values[MODEL]
    if not isinstance(gate.at_least, str):
        return Verdict(gate.metric, value, gate.at_least, None, users)
    is_strongest = gate.at_least == STRONGEST
    baseline: str = gate.at_least
    if is_strongest:
        baseline = strongest_of(
            {name: values[name] for name in values if name not in (MODEL, PUBLISHED, WITH_RULES)}
        )
    if baseline == PUBLISHED and PUBLISHED not in metrics:
        return Verdict(gate.metric, value, None, PUBLISHED, users)
    compared = None
    if gate.significant:
        by_name = {(found.baseline, found.metric): found for found in comparisons}
        compared = by_name[baseline, gate.metric]
    return Verdict(gate.metric, value, values[baseline], baseline, users, compared, is_strongest)


def require(verdict: Verdict | None, leader: LeaderReport | None = None) -> None:
    """Raise an error if the gate is not met; None stands for a config without a gate.

    The message also names `leader`, the baseline that leads, if any.

    Raises
    ------
    GateError
        The gate is not met.
    """
    if verdict is None or verdict.met:
        return
    leads = f"; {describe_leader(leader)}" if leader and not verdict.explains(leader) else ""
    if verdict.users < MINIMUM_TEST_USERS or verdict.threshold is None:
        raise GateError(
            f"quality gate not met: the number of test users is {verdict.users}, "
            f"a gate needs at least {MINIMUM_TEST_USERS}{leads}",
            hint="choose a longer test period (evaluate.split.test) or another evaluate.split, increase evaluate.users "
            "if it is set, or remove evaluate.gate",
        )
    raise GateError(
        f"quality gate not met: {verdict.metric} of the model is {verdict.value:.6g}, "
        f"{_failed_condition(verdict, verdict.threshold)}{leads}",
        hint="tune section train (factors, regularization, iterations). To accept this model, set "
        "evaluate.gate.at_least to a number or to another baseline, or remove evaluate.gate",
    )


def _failed_condition(verdict: Verdict, threshold: float) -> str:
    source = f"baseline {verdict.baseline}" if verdict.baseline else "the gate"
    if verdict.is_strongest:
        source = f"the strongest baseline, {verdict.baseline},"
    compared = verdict.comparison
    if verdict.value >= threshold and compared is not None:
        return (
            f"{source} has {threshold:.6g}, and the difference is not clear: 95 % interval "
            f"{compared.low:+.6g} to {compared.high:+.6g}, p = {compared.p_value:.3g}"
        )
    return f"{source} demands at least {threshold:.6g}"
