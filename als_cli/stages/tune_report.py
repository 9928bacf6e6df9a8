"""What `als tune` reports."""

from typing import Literal

from als_cli.stages.context import Report


class TrialReport(Report):
    """One set of hyperparameters and what it was worth."""

    number: int
    """From 1, in the order of the trials; interrupted ones are not counted."""
    state: Literal["done", "pruned", "failed"]
    """pruned: given up after a fold, because half of the trials did better there; failed: factors were not finite."""
    untuned: bool
    """Whether this is the config as it was given."""
    value: float | None
    """Mean of the metric over the folds, None unless done."""
    parameters: dict[str, float]
    """The searched values; `unobserved_weight` is a multiple of the density."""
    seconds: float


class TuneReport(Report):
    """What `tune` found."""

    config: str
    """The winning config, ready for `als train -c`."""
    study: str
    """The SQLite file that holds all trials."""
    study_name: str
    metric: str
    folds: int
    users: int
    """Users judged, all folds together."""
    best: TrialReport
    untuned: TrialReport
    """The config as it was given, on the same folds."""
    trials: tuple[TrialReport, ...]
    """All trials of the study, those of earlier runs too."""
    new_trials: int
    """Trials of this run."""
    seconds: float

    def count(self, state: str) -> int:
        """Return the number of trials that ended in `state`."""
        return sum(trial.state == state for trial in self.trials)
