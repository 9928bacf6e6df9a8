"""The churn gate: how far new lists may differ from the published ones."""

import logging
from dataclasses import dataclass

from als_cli.config.recommend import ChurnConfig
from als_cli.errors import GateError
from als_cli.evaluation.list_comparison_report import ListChurn

log = logging.getLogger(__name__)

_NAMES = {
    "rbo": "rank-biased overlap (rbo)",
    "jaccard": "Jaccard similarity (jaccard)",
    "changed_users": "fraction of changed users (changed_users)",
}


@dataclass(frozen=True)
class ChurnVerdict:
    """The decision of the churn gate, and the values that it depends on."""

    config: ChurnConfig
    value: float

    @property
    def met(self) -> bool:
        """Whether the lists may be published."""
        low, high = self.config.at_least, self.config.at_most
        return (low is None or self.value >= low) and (high is None or self.value <= high)

    @property
    def described(self) -> str:
        """The value and its limit, for messages."""
        limit = (
            f"at least {self.config.at_least:g}"
            if self.config.at_least is not None
            else f"at most {self.config.at_most:g}"
        )
        name = _NAMES[self.config.metric]
        return f"the {name} of new and published lists is {self.value:.4g}, recommend.churn allows {limit}"


def churn_verdict(config: ChurnConfig, churn: ListChurn) -> ChurnVerdict:
    """Return the verdict of the gate `config` on the figures `churn`."""
    return ChurnVerdict(config, getattr(churn, config.metric))


def require_churn(verdict: ChurnVerdict, *, accept: bool = False) -> None:
    """Raise an error if the gate is not met. With `accept`, log a warning instead.

    Raises
    ------
    GateError
        The gate is not met.
    """
    if verdict.met:
        return
    if accept:
        log.warning("%s; the lists are published all the same (--accept-churn)", verdict.described)
        return
    raise GateError(
        f"churn gate not met: {verdict.described}",
        hint="write the new lists to another path (als recommend --output PATH) and compare them with `als compare`;"
        " to publish them, add --accept-churn",
    )
