"""The report of `als tune`."""

from collections.abc import Iterable
from typing import Literal

from als_cli.reports import Report, StageOutcome


class TrialReport(Report):
    """Evaluated hyperparameters and their value."""

    number: int
    """From 1, in the order of the trials. Interrupted trials are not counted."""
    state: Literal["done", "pruned", "failed"]
    """pruned: stopped early after a fold, because the value was below the median of the trials.

    failed: the factors were not finite.
    """
    untuned: bool
    """Whether this is the trial of the config as given."""
    value: float | None
    """Mean of the metric over the folds. None unless the state is done."""
    parameters: dict[str, float]
    """The searched values, on the scales of :mod:`als_cli.tuning.point`."""
    seconds: float


def best_first(trials: Iterable[TrialReport]) -> list[TrialReport]:
    """Return the trials with a value, highest value first. Equal values stay in the order of the trials."""
    done = [trial for trial in trials if trial.value is not None]
    return sorted(done, key=lambda trial: (-(trial.value or 0.0), trial.number))


class ScreenReport(Report):
    """Screening on a sample of users."""

    users: int
    """Users in the training set of each fold."""
    evaluated: int
    """Users evaluated in all folds together."""
    trials: tuple[TrialReport, ...]
    """The first trial is at the point of the config. All other points are sampled."""
    kept: int
    """Number of points that were evaluated again on all data."""


class TuneReport(Report):
    """The result of `tune`."""

    ingest: StageOutcome | None
    """Outcome of stage `ingest`. None if the dataset was used without a check."""
    config: str
    """The best config, for `als train -c`."""
    study: str
    """The SQLite file with all trials."""
    study_name: str
    metric: str
    folds: int
    users: int
    """Users evaluated in all folds together."""
    screen: ScreenReport | None
    """None without screening."""
    best: TrialReport
    untuned: TrialReport
    """The trial of the config as given, on the same folds."""
    trials: tuple[TrialReport, ...]
    """All trials of the study on all data, including those of earlier runs."""
    new_trials: int
    """Trials of this run on all data."""
    seconds: float

    def count(self, state: str) -> int:
        """Return the number of trials in `state`."""
        return sum(trial.state == state for trial in self.trials)
