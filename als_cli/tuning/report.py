"""What `als tune` reports."""

from typing import Literal

from als_cli.reports import Report, StageOutcome


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
    """The searched values; `unobserved_weight` is a multiple of the density, `regularization` what it is where
    `frequency_exponent` is 1."""
    seconds: float


class ScreenReport(Report):
    """The first round, on a sample of users."""

    users: int
    """Users trained on, in each fold."""
    evaluated: int
    """Users evaluated, all folds together."""
    trials: tuple[TrialReport, ...]
    """The first is the config's point, the others were drawn."""
    kept: int
    """How many points went on to the whole data."""


class TuneReport(Report):
    """What `tune` found."""

    ingest: StageOutcome | None
    """What happened to the dataset first, None where it was to be left as it is."""
    config: str
    """The winning config, ready for `als train -c`."""
    study: str
    """The SQLite file that holds all trials."""
    study_name: str
    metric: str
    folds: int
    users: int
    """Users evaluated, all folds together."""
    screen: ScreenReport | None
    """The first round, None where there was none."""
    best: TrialReport
    untuned: TrialReport
    """The config as it was given, on the same folds."""
    trials: tuple[TrialReport, ...]
    """All trials of the study on the whole data, those of earlier runs too."""
    new_trials: int
    """Trials of this run on the whole data."""
    seconds: float

    def count(self, state: str) -> int:
        """Return the number of trials that ended in `state`."""
        return sum(trial.state == state for trial in self.trials)
