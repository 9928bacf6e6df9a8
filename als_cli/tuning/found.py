"""The result of the search of `als tune`, and its report."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from als_cli.splitting.division import EvaluationSets
from als_cli.tuning.folds import evaluated_users
from als_cli.tuning.report import ScreenReport, TrialReport, TuneReport, best_first

Trials = tuple[TrialReport, ...]


@dataclass(frozen=True)
class Found:
    """All trials of screening and of the search on all data."""

    screened: Trials
    """Trials of screening, empty without screening."""
    kept: int
    """Points of screening that the search on all data starts with."""
    trials: Trials
    """Trials on all data."""
    before: int
    """Number of `trials` that were made by earlier runs."""

    @property
    def untuned(self) -> TrialReport:
        """The trial of the config as given."""
        return self.trials[0]

    @property
    def best(self) -> TrialReport:
        """The trial with the highest value. Among equal values, the first trial."""
        return best_first(self.trials)[0]

    def report(
        self, folds: Sequence[EvaluationSets], samples: Sequence[EvaluationSets], **fields: Any
    ) -> TuneReport:
        """Return the report of the search on `folds` and `samples`; `fields` are the fields that are unknown here."""
        return TuneReport(
            folds=len(folds),
            users=evaluated_users(folds),
            screen=self._screen_report(samples) if samples else None,
            best=self.best,
            untuned=self.untuned,
            trials=self.trials,
            new_trials=len(self.trials) - self.before,
            **fields,
        )

    def _screen_report(self, samples: Sequence[EvaluationSets]) -> ScreenReport:
        return ScreenReport(
            users=samples[0].training.users.height,
            evaluated=evaluated_users(samples),
            trials=self.screened,
            kept=self.kept,
        )
