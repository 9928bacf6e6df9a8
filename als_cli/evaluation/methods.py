"""Metrics of all methods on one split: each is fitted to the training set and scored on the test users."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from als_cli.config.evaluate import EvaluateConfig
from als_cli.config.events import EventsConfig
from als_cli.config.fields import format_duration
from als_cli.config.train import TrainConfig
from als_cli.errors import ConfigError
from als_cli.evaluation.baselines import fitted_baseline
from als_cli.evaluation.diversity import ListDiversity
from als_cli.evaluation.protocol import Measured, measure
from als_cli.evaluation.rankers import FactorRanker, Ranker, RecentPopular
from als_cli.evaluation.report import MethodReport
from als_cli.evaluation.with_rules import RuledRanker
from als_cli.progress import Progress
from als_cli.ranking.rules.list_rules import ListRules
from als_cli.splitting.division import EvaluationSets

MODEL, PUBLISHED = "als", "published"
"""Names of the model, and of the baseline with section `train` of the published model."""

FitModel = Callable[[str, TrainConfig, EvaluationSets], Ranker]
"""Function of (name, section `train`, sets) that trains a model and returns its ranker."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scored:
    """Metrics of one method, with their duration."""

    measured: Measured
    seconds: float
    """Duration of training and ranking."""
    half_life: timedelta | None = None
    """Half-life that `recent_popular` used; None: another method."""

    def report(self) -> MethodReport:
        """Return the metrics for the report."""
        measured = self.measured
        return MethodReport(
            method=measured.method,
            metrics=measured.averages,
            short_lists=measured.short_lists,
            seconds=self.seconds,
            half_life=None if self.half_life is None else format_duration(self.half_life),
        )


@dataclass(frozen=True)
class Methods:
    """The model and the baselines of a config."""

    config: EvaluateConfig
    signal: EventsConfig
    models: Mapping[str, TrainConfig]
    """Section `train` of the model, and of baseline `published` if it is evaluated."""
    fit_model: FitModel
    threads: int
    rules: ListRules | None = None
    """Rules of lists for the items of the training set, if the model is also evaluated with them."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the model and of the baselines that are evaluated, in this order."""
        baselines = (
            name for name in self.config.baseline_names if name != PUBLISHED or PUBLISHED in self.models
        )
        return (MODEL, *dict.fromkeys(baselines))

    def score(
        self,
        sets: EvaluationSets,
        progress: Progress,
        on_method: Callable[[str], None] = lambda _method: None,
    ) -> list[Scored]:
        """Return the metrics of each method on `sets`, in the order of `names`.

        `on_method` is called with the name of each method that is done.

        Raises
        ------
        ConfigError
            Hyperparameters of the model or of the published model cannot be used on the training set.
        TrainingError
            The factors are not finite.
        """
        scored = list[Scored]()
        at = list_lengths(self.config)
        diversity = ListDiversity(sets.training.matrix, sets.holdout.test_set.users, self.config.seed)
        for method in self.names:
            started = time.perf_counter()
            ranker = self._fitted(method, sets)
            with progress.task(f"ranking ({method})", total=sets.holdout.test_set.users) as task:
                measured = measure(ranker, sets.holdout.test_set, at, task.advance, diversity)
            half_life = ranker.half_life if isinstance(ranker, RecentPopular) else None
            scored.append(Scored(measured, time.perf_counter() - started, half_life))
            log.info("%s: evaluated in %.1f s", method, scored[-1].seconds)
            on_method(method)
            if self.rules is not None and method == MODEL and isinstance(ranker, FactorRanker):
                started = time.perf_counter()
                ruled = RuledRanker(ranker, self.rules, sets, self.signal.as_of)
                measured = measure(ruled, sets.holdout.test_set, at, diversity=diversity)
                scored.append(Scored(measured, time.perf_counter() - started))
        return scored

    def _fitted(self, method: str, sets: EvaluationSets) -> Ranker:
        if method not in self.models:
            return fitted_baseline(method, sets, self.signal, self.config.recent_half_life, self.threads)
        try:
            return self.fit_model(method, self.models[method], sets)
        except ConfigError as error:
            if method == MODEL:
                raise
            raise ConfigError(
                "baseline published: section train of the published model cannot be used on the training set: "
                f"{error.message}",
                hint="remove published from evaluate.baselines",
            ) from error


def list_lengths(config: EvaluateConfig) -> tuple[int, ...]:
    """Return the distinct values of `at`, ascending."""
    return tuple(sorted(set(config.at)))


def counts_of(sets: EvaluationSets) -> dict[str, int]:
    """Return the sizes of the training set, and the numbers of test users and test pairs, evaluated and left out."""
    return {
        "training_users": sets.training.users.height,
        "training_items": sets.training.items.height,
        "training_interactions": int(sets.training.matrix.nnz),
        **sets.holdout.counts,
        "users_evaluated": sets.holdout.test_set.users,
    }


def per_user_table(sets: EvaluationSets, scored: Sequence[Scored]) -> pl.DataFrame:
    """Return user_id, method, k, test_items and a column per accuracy metric.

    Rows are sorted by method in the order of `scored`, then by k and by user_id.
    """
    test_items = pl.Series(sets.holdout.test_set.relevant_counts).cast(pl.UInt32)
    return pl.concat(
        pl.DataFrame({"user_id": sets.holdout.user_ids, "test_items": test_items, **metrics}).select(
            "user_id",
            pl.lit(method.measured.method).alias("method"),
            pl.lit(k, pl.Int32).alias("k"),
            pl.exclude("user_id"),
        )
        for method in scored
        for k, metrics in method.measured.per_user.items()
    )
