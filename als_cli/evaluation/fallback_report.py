"""Whom the model cannot serve: the part of the fallback in an evaluation."""

from als_cli.evaluation.fallback import FallbackFraction
from als_cli.evaluation.protocol import Measured
from als_cli.evaluation.report import FallbackReport
from als_cli.splitting.division import EvaluationSets


def fallback_report(parts: EvaluationSets, model: Measured) -> FallbackReport:
    """Return how many test users have no history, and what part of the lists that is beside those of `model`."""
    holdout = parts.holdout
    fraction = FallbackFraction(
        test_users=holdout.counts["test_users"],
        lists=holdout.counts["test_users_without_history"],
        items=parts.training.items.height,
    )
    filled = {k: int(exposure.sum()) / holdout.test_set.users for k, exposure in model.exposure.items()}
    return FallbackReport(
        lists=fraction.lists,
        fraction=fraction.of_lists,
        slot_fraction={f"@{k}": fraction.of_places(k, mean) for k, mean in filled.items()},
    )
