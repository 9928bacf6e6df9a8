"""`als evaluate`: train on one part of the events, rank for the users of the other, publish the figures."""

import logging
import time

import polars as pl

from als_cli.config.evaluate import EvaluateConfig
from als_cli.errors import ConfigError
from als_cli.evaluation.diversity import ListDiversity
from als_cli.evaluation.gate import Verdict, judge, require
from als_cli.evaluation.protocol import Measured, measure
from als_cli.evaluation.rankers import FactorRanker, Ranker
from als_cli.stages.context import StageContext
from als_cli.stages.evaluation_baselines import check_protocol, check_times, fitted_baseline
from als_cli.stages.evaluation_comparisons import cohort_reports, comparisons_of
from als_cli.stages.evaluation_files import evaluation_key, publish_evaluation, published_figures
from als_cli.stages.evaluation_parts import EvaluationParts, divide
from als_cli.stages.evaluation_report import (
    ComparisonReport,
    EvaluateReport,
    Evaluation,
    GateReport,
    MethodReport,
)
from als_cli.stages.recipes import recipe_for
from als_cli.stages.train import train_factors
from als_cli.stages.warm_up import start_warm_up
from als_cli.storage.dataset_files import open_dataset

MODEL = "als"
"""The model's name among the methods."""

log = logging.getLogger(__name__)


def evaluate(context: StageContext) -> EvaluateReport:
    """Return the figures of model and baselines on the current dataset; publishes the evaluation.

    Raises
    ------
    ArtifactError
        There is no dataset, or it is broken.
    ConfigError
        The split or a baseline does not suit the events, or the gate asks for a figure that is not computed.
    DataError
        A part of the split is empty, or a file cannot be read.
    GateError
        The gate is not met; the evaluation is published all the same.
    """
    started = time.perf_counter()
    config = context.config.evaluate
    at = _list_lengths(config)
    check_protocol(config)
    dataset = open_dataset(context.dataset_place)
    start_warm_up(context.config.train.engine)
    parts = divide(context, dataset)
    check_times(config, parts)
    diversity = ListDiversity(parts.training.matrix, parts.holdout.part.users, config.seed)
    measured = [
        _judged(method, context, parts, diversity) for method in (MODEL, *dict.fromkeys(config.baselines))
    ]
    comparisons = comparisons_of([one for one, _ in measured], context)
    verdict = _verdict(config, {one.method: one.averages for one, _ in measured}, comparisons)
    evaluation = Evaluation(
        split=config.split.model_dump(mode="json"),
        cut_off=parts.cut_off.isoformat() if parts.cut_off else None,
        exclude_seen=config.exclude_seen,
        at=at,
        counts=_counts(parts),
        methods=tuple(
            MethodReport(
                method=one.method, metrics=one.averages, short_lists=one.short_lists, seconds=seconds
            )
            for one, seconds in measured
        ),
        comparisons=comparisons,
        cohorts=cohort_reports([one for one, _ in measured], parts.holdout.part),
        gate=None if verdict is None else GateReport(**vars(verdict), met=verdict.met),
    )
    seconds = time.perf_counter() - started
    per_user = _per_user(parts, [one for one, _ in measured])
    folder = publish_evaluation(context, dataset, evaluation, per_user, seconds)
    if verdict is not None:
        require(verdict)
    return EvaluateReport(**dict(evaluation), evaluation=str(folder), seconds=seconds)


def evaluate_key(context: StageContext) -> str:
    """Return the hash of all that the figures depend on: dataset, signal, hyperparameters, protocol and its files."""
    return evaluation_key(context, open_dataset(context.dataset_place))


def recheck_gate(context: StageContext) -> None:
    """Judge the published evaluation by the config's gate.

    Raises
    ------
    GateError
        The gate is not met.
    """
    config = context.config.evaluate
    _list_lengths(config)
    if config.gate is None:
        return
    verdict = _verdict(config, *published_figures(context))
    if verdict is not None:
        require(verdict)


def _list_lengths(config: EvaluateConfig) -> tuple[int, ...]:
    """Return the distinct values of `at`, ascending, after checking that the gate's figures will be there."""
    at, gate = tuple(sorted(set(config.at))), config.gate
    if gate is None:
        return at
    k = int(gate.metric.partition("@")[2])
    if k not in at:
        raise ConfigError(
            f"evaluate.gate.metric is {gate.metric}, but evaluate.at has no {k}",
            hint=f"add {k} to evaluate.at",
        )
    if isinstance(gate.at_least, str) and gate.at_least not in config.baselines:
        raise ConfigError(
            f"evaluate.gate.at_least is {gate.at_least}, which is not among evaluate.baselines",
            hint=f"add {gate.at_least} to evaluate.baselines",
        )
    return at


def _judged(
    method: str, context: StageContext, parts: EvaluationParts, diversity: ListDiversity
) -> tuple[Measured, float]:
    """Return the figures of `method`, trained on the training part, and the seconds that took."""
    started = time.perf_counter()
    ranker, at = _fitted(method, context, parts), _list_lengths(context.config.evaluate)
    with context.progress.task(f"ranking ({method})", total=parts.holdout.part.users) as task:
        measured = measure(ranker, parts.holdout.part, at, task.advance, diversity)
    seconds = time.perf_counter() - started
    log.info("%s: judged in %.1f s", method, seconds)
    return measured, seconds


def _fitted(method: str, context: StageContext, parts: EvaluationParts) -> Ranker:
    if method != MODEL:
        return fitted_baseline(method, context, parts)
    matrix, holdout = parts.training.matrix, parts.holdout
    recipe = recipe_for(matrix, context.config.train, context.threads)
    factors, _ = train_factors(matrix, recipe, context.progress)
    if not parts.users_are_held_out:
        return FactorRanker(MODEL, factors.users[holdout.user_rows], factors.items, context.threads)
    users = recipe.fold_in(factors.items, holdout.part.history)
    return FactorRanker(MODEL, users, factors.items, context.threads)


def _verdict(
    config: EvaluateConfig,
    figures: dict[str, dict[str, float]],
    comparisons: tuple[ComparisonReport, ...],
) -> Verdict | None:
    gate = config.gate
    if gate is None:
        return None
    lows = {(one.baseline, one.metric): one.low for one in comparisons}
    low = lows[str(gate.at_least), gate.metric] if gate.significant else None
    return judge(gate.metric, gate.at_least, figures[MODEL], figures, low)


def _counts(parts: EvaluationParts) -> dict[str, int]:
    return {
        "training_users": parts.training.users.height,
        "training_items": parts.training.items.height,
        "training_interactions": int(parts.training.matrix.nnz),
        **parts.holdout.counts,
        "users_evaluated": parts.holdout.part.users,
    }


def _per_user(parts: EvaluationParts, measured: list[Measured]) -> pl.DataFrame:
    """Return user_id, method, k, test_items and a column per metric; sorted by method as measured, k, user_id."""
    test_items = pl.Series(parts.holdout.part.relevant_counts).cast(pl.UInt32)
    return pl.concat(
        pl.DataFrame({"user_id": parts.holdout.user_ids, "test_items": test_items, **metrics}).select(
            "user_id",
            pl.lit(one.method).alias("method"),
            pl.lit(k, pl.Int32).alias("k"),
            pl.exclude("user_id"),
        )
        for one in measured
        for k, metrics in one.per_user.items()
    )
