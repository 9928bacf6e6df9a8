"""Every method on one division of the events: fitted to its training part, measured on its test users."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import polars as pl

from als_cli.config.evaluate import EvaluateConfig
from als_cli.config.train import TrainConfig
from als_cli.errors import ConfigError
from als_cli.evaluation.baselines import fitted_baseline
from als_cli.evaluation.diversity import ListDiversity
from als_cli.evaluation.protocol import Measured, measure
from als_cli.evaluation.rankers import FactorRanker, Ranker
from als_cli.evaluation.report import MethodReport
from als_cli.splitting.division import EvaluationParts
from als_cli.stages.context import StageContext
from als_cli.stages.train import train_factors
from als_cli.storage.published_model import PUBLISHED, PublishedModel
from als_cli.tuning.auto import selected
from als_cli.tuning.parameters import recipe_for

MODEL = "als"
"""The model's name among the methods."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Judged:
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


def list_lengths(config: EvaluateConfig) -> tuple[int, ...]:
    """Return the distinct values of `at`, ascending."""
    return tuple(sorted(set(config.at)))


def methods_of(config: EvaluateConfig, published: PublishedModel) -> tuple[str, ...]:
    """Return the names of the methods to judge: the model first, then the baselines that there are."""
    baselines = (name for name in config.baselines if name != PUBLISHED or published.train is not None)
    return (MODEL, *dict.fromkeys(baselines))


def judge_methods(
    context: StageContext,
    parts: EvaluationParts,
    published: PublishedModel,
    on_method: Callable[[str], None] = lambda _method: None,
) -> list[Judged]:
    """Return the figures of :func:`methods_of` on `parts`; `on_method` hears each name when it is done.

    Raises
    ------
    ConfigError
        The hyperparameters, or those of the published model, do not suit the training part.
    TrainingError
        The factors are not finite.
    """
    config, judged = context.config.evaluate, list[Judged]()
    at = list_lengths(config)
    diversity = ListDiversity(parts.training.matrix, parts.holdout.part.users, config.seed)
    for method in methods_of(config, published):
        started = time.perf_counter()
        ranker = _fitted(method, context, parts, published)
        with context.progress.task(f"ranking ({method})", total=parts.holdout.part.users) as task:
            measured = measure(ranker, parts.holdout.part, at, task.advance, diversity)
        judged.append(Judged(measured, time.perf_counter() - started))
        log.info("%s: judged in %.1f s", method, judged[-1].seconds)
        on_method(method)
    return judged


def counts_of(parts: EvaluationParts) -> dict[str, int]:
    """Return the sizes of the training part, and test users and pairs with those left out."""
    return {
        "training_users": parts.training.users.height,
        "training_items": parts.training.items.height,
        "training_interactions": int(parts.training.matrix.nnz),
        **parts.holdout.counts,
        "users_evaluated": parts.holdout.part.users,
    }


def per_user_table(parts: EvaluationParts, judged: Sequence[Judged]) -> pl.DataFrame:
    """Return user_id, method, k, test_items and a column per metric; sorted by method as judged, k, user_id."""
    test_items = pl.Series(parts.holdout.part.relevant_counts).cast(pl.UInt32)
    return pl.concat(
        pl.DataFrame({"user_id": parts.holdout.user_ids, "test_items": test_items, **metrics}).select(
            "user_id",
            pl.lit(one.measured.method).alias("method"),
            pl.lit(k, pl.Int32).alias("k"),
            pl.exclude("user_id"),
        )
        for one in judged
        for k, metrics in one.measured.per_user.items()
    )


def _fitted(method: str, context: StageContext, parts: EvaluationParts, published: PublishedModel) -> Ranker:
    if method == MODEL:
        return _factorized(method, context, parts, context.config.train)
    if method != PUBLISHED or published.train is None:
        return fitted_baseline(method, context, parts)
    try:
        return _factorized(method, context, parts, published.train)
    except ConfigError as unsuited:
        raise ConfigError(
            f"baseline published: the settings of the published model do not suit the training part: {unsuited.message}",
            hint="leave published out of evaluate.baselines",
        ) from unsuited


def _factorized(
    method: str, context: StageContext, parts: EvaluationParts, train: TrainConfig
) -> FactorRanker:
    matrix, holdout = parts.training.matrix, parts.holdout
    chosen = selected(context, train, parts.events.training, matrix)
    recipe = recipe_for(matrix, chosen, context.threads)
    factors, _ = train_factors(matrix, recipe, context.progress)
    if not parts.users_are_held_out:
        return FactorRanker(method, factors.users[holdout.user_rows], factors.items, context.threads)
    users = recipe.fold_in(factors.items, holdout.part.history)
    return FactorRanker(method, users, factors.items, context.threads)
