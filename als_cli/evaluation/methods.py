"""Every method on one division of the events: fitted to its training set, scored on its test users."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from als_cli.config.evaluate import EvaluateConfig
from als_cli.config.events import EventsConfig
from als_cli.config.train import TrainConfig
from als_cli.errors import ConfigError
from als_cli.evaluation.baselines import fitted_baseline
from als_cli.evaluation.diversity import ListDiversity
from als_cli.evaluation.protocol import Measured, measure
from als_cli.evaluation.rankers import Ranker
from als_cli.evaluation.report import MethodReport
from als_cli.progress import Progress
from als_cli.splitting.division import EvaluationSets

MODEL, PUBLISHED = "als", "published"
"""Names of the model, and of the baseline with the settings of the published model."""

FitModel = Callable[[str, TrainConfig, EvaluationSets], Ranker]
"""Fits the model of a section `train` to a training set: name, section, sets."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scored:
    """One method's figures and what they cost."""

    measured: Measured
    seconds: float
    """Training and ranking."""

    def report(self) -> MethodReport:
        """Return the figures for the report."""
        one = self.measured
        return MethodReport(
            method=one.method, metrics=one.averages, short_lists=one.short_lists, seconds=self.seconds
        )


@dataclass(frozen=True)
class Methods:
    """The model and the baselines of one section `evaluate`."""

    config: EvaluateConfig
    signal: EventsConfig
    models: Mapping[str, TrainConfig]
    """Section `train` of the model, and of baseline `published` where there is one."""
    fit_model: FitModel
    threads: int

    @property
    def names(self) -> tuple[str, ...]:
        """The model first, then the baselines that there are."""
        baselines = (name for name in self.config.baselines if name != PUBLISHED or PUBLISHED in self.models)
        return (MODEL, *dict.fromkeys(baselines))

    def score(
        self,
        parts: EvaluationSets,
        progress: Progress,
        on_method: Callable[[str], None] = lambda _method: None,
    ) -> list[Scored]:
        """Return the figures of every method on `parts`; `on_method` is called with each name when it is done.

        Raises
        ------
        ConfigError
            The hyperparameters, or those of the published model, do not suit the training set.
        TrainingError
            The factors are not finite.
        """
        scored = list[Scored]()
        at = list_lengths(self.config)
        diversity = ListDiversity(parts.training.matrix, parts.holdout.test_set.users, self.config.seed)
        for method in self.names:
            started = time.perf_counter()
            ranker = self._fitted(method, parts)
            with progress.task(f"ranking ({method})", total=parts.holdout.test_set.users) as task:
                measured = measure(ranker, parts.holdout.test_set, at, task.advance, diversity)
            scored.append(Scored(measured, time.perf_counter() - started))
            log.info("%s: evaluated in %.1f s", method, scored[-1].seconds)
            on_method(method)
        return scored

    def _fitted(self, method: str, parts: EvaluationSets) -> Ranker:
        if method not in self.models:
            return fitted_baseline(method, parts, self.signal, self.config.recent, self.threads)
        try:
            return self.fit_model(method, self.models[method], parts)
        except ConfigError as unsuited:
            if method == MODEL:
                raise
            raise ConfigError(
                "baseline published: the settings of the published model do not suit the training set: "
                f"{unsuited.message}",
                hint="leave published out of evaluate.baselines",
            ) from unsuited


def list_lengths(config: EvaluateConfig) -> tuple[int, ...]:
    """Return the distinct values of `at`, ascending."""
    return tuple(sorted(set(config.at)))


def counts_of(parts: EvaluationSets) -> dict[str, int]:
    """Return the sizes of the training part, and test users and pairs with those left out."""
    return {
        "training_users": parts.training.users.height,
        "training_items": parts.training.items.height,
        "training_interactions": int(parts.training.matrix.nnz),
        **parts.holdout.counts,
        "users_evaluated": parts.holdout.test_set.users,
    }


def per_user_table(parts: EvaluationSets, scored: Sequence[Scored]) -> pl.DataFrame:
    """Return user_id, method, k, test_items and a column per metric; sorted by method as evaluated, k, user_id."""
    test_items = pl.Series(parts.holdout.test_set.relevant_counts).cast(pl.UInt32)
    return pl.concat(
        pl.DataFrame({"user_id": parts.holdout.user_ids, "test_items": test_items, **metrics}).select(
            "user_id",
            pl.lit(one.measured.method).alias("method"),
            pl.lit(k, pl.Int32).alias("k"),
            pl.exclude("user_id"),
        )
        for one in scored
        for k, metrics in one.measured.per_user.items()
    )
