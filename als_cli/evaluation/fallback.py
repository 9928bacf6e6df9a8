"""The fraction of list slots that only the fallback can fill: `fallback` in metrics.json."""

from dataclasses import dataclass

from als_cli.evaluation.protocol import Measured
from als_cli.evaluation.report import FallbackReport
from als_cli.splitting.division import EvaluationSets


@dataclass(frozen=True)
class FallbackFraction:
    """Fractions of lists and slots that the fallback fills, for lists of all test users made from the training set."""

    test_users: int
    """Users with at least one test item, at least 1."""
    lists: int
    """Test users without history, whom the model cannot serve."""
    items: int
    """Items of the popularity list."""

    @property
    def of_lists(self) -> float:
        """Fraction of the lists, 0 to 1."""
        return self.lists / self.test_users

    def of_slots(self, k: int, filled_by_model: float) -> float:
        """Return the fraction of the filled slots of lists of length `k`, 0 to 1; 0 if no slot is filled.

        `filled_by_model` is the mean number of filled slots of the model's lists over the evaluated users. It is used
        for all users with history.
        """
        filled_by_fallback = self.lists * min(k, self.items)
        filled = filled_by_fallback + (self.test_users - self.lists) * filled_by_model
        return filled_by_fallback / filled if filled else 0.0


def fallback_report(sets: EvaluationSets, model: Measured) -> FallbackReport:
    """Return how many test users have no history, and the fractions of lists and slots that the fallback fills."""
    holdout = sets.holdout
    fraction = FallbackFraction(
        test_users=holdout.counts["test_users"],
        lists=holdout.counts["test_users_without_history"],
        items=sets.training.items.height,
    )
    filled = {k: int(exposure.sum()) / holdout.test_set.users for k, exposure in model.exposure.items()}
    return FallbackReport(
        lists=fraction.lists,
        fraction=fraction.of_lists,
        slot_fraction={f"@{k}": fraction.of_slots(k, mean) for k, mean in filled.items()},
    )
