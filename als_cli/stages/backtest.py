"""`als backtest`: the same judgement at several cut-offs, each as it would have been on its day."""

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice

import polars as pl

from als_cli.config.evaluate import AutoSplit, CohortsConfig, TimeSplit
from als_cli.errors import AlsError, ConfigError, DataError
from als_cli.evaluation.backtest_report import Backtest, BacktestReport
from als_cli.evaluation.backtest_summary import ScoredCutOff, leads_of, spreads_of
from als_cli.evaluation.baselines import check_protocol
from als_cli.evaluation.comparisons import comparisons_of
from als_cli.evaluation.methods import Methods, counts_of, list_lengths, per_user_table
from als_cli.events.net_pairs import Duplicates
from als_cli.progress import SilentProgress, Task
from als_cli.ranking.warm_up import start_warm_up
from als_cli.splitting.auto_split import NO_TIME, choose_split, log_choice
from als_cli.splitting.division import EvaluationSets, divide
from als_cli.splitting.periods import Period, length_of_test, periods_back
from als_cli.splitting.protocol import SplitProtocol
from als_cli.splitting.splits import split_events
from als_cli.stages.context import StageContext
from als_cli.stages.evaluate import basis_of, methods_for
from als_cli.storage.backtest_files import write_backtest
from als_cli.storage.dataset_files import Dataset, open_dataset
from als_cli.storage.evaluation_files import Basis
from als_cli.storage.publish import current_version, staged_folder
from als_cli.storage.published_model import PublishedModel, log_if_left_out, published_model
from als_cli.tuning.parameters import recipe_for

log = logging.getLogger(__name__)


def backtest(context: StageContext) -> BacktestReport:
    """Return the figures of model and baselines at each cut-off; publishes the backtest.

    Raises
    ------
    ArtifactError
        There is no dataset, or it or the published model that is compared with is broken.
    ConfigError
        The split is not by time, or it, a baseline or the hyperparameters do not suit the events.
    DataError
        Not even one cut-off can be evaluated.
    """
    started = time.perf_counter()
    _check_split(context)
    config = context.config
    published = published_model(config.evaluate.baselines, config.train, context.models_place)
    dataset = open_dataset(context.dataset_place)
    split = _time_split(context, dataset)
    start_warm_up(context.config.train.engine)
    newest = _newest_period(dataset, split, context.config.events.duplicates)
    step = config.evaluate.backtest.step or newest.length
    log_if_left_out(published, None, context.models_place)
    scored = _scored_cut_offs(context, dataset, published, _periods(context, dataset, newest, step))
    users = pl.concat([one.user_ids for one in scored]).unique().sort()
    found = Backtest(
        test_seconds=newest.length.total_seconds(),
        step_seconds=step.total_seconds(),
        exclude_seen=context.config.evaluate.exclude_seen,
        at=list_lengths(context.config.evaluate),
        users=users.len(),
        published=published.state,
        cut_offs=tuple(one.report for one in scored),
        spreads=spreads_of([one.report for one in scored]),
        leads=leads_of(scored, users, context.config.evaluate.seed, context.progress),
    )
    per_user = pl.concat(one.per_user for one in scored)
    seconds = time.perf_counter() - started
    run = {"config": config.model_dump(mode="json"), "threads": context.threads, "seconds": seconds}
    with staged_folder(context.backtests_place) as folder:
        write_backtest(folder, found, per_user, _basis_of(context, dataset, published), **run)
    place = current_version(context.backtests_place)
    return BacktestReport(**dict(found), backtest=str(place), seconds=seconds)


def _basis_of(context: StageContext, dataset: Dataset, published: PublishedModel) -> Basis:
    """Return what the figures depend on: a backtest has no cohorts and does not read their files."""
    basis = basis_of(context, dataset, published.settings())
    return replace(basis, evaluate=basis.evaluate.model_copy(update={"cohorts": CohortsConfig()}))


def _check_split(context: StageContext) -> None:
    """Return when the config's protocol is one of a backtest."""
    config = context.config.evaluate
    if not isinstance(config.split, TimeSplit | AutoSplit):
        raise ConfigError(
            f"als backtest needs evaluate.split by time, here it is by {config.split.by}",
            hint="set evaluate.split: {by: time, test: 7d}",
        )
    if config.candidates is not None:
        raise ConfigError(
            "als backtest cannot use evaluate.candidates: they belong to the test items of one cut-off",
            hint="leave them out, for example with --set evaluate.candidates=null",
        )
    check_protocol(config)


def _time_split(context: StageContext, dataset: Dataset) -> TimeSplit:
    """Return the config's split by time, or the one that `auto` comes to."""
    split = context.config.evaluate.split
    if isinstance(split, TimeSplit):
        return split
    choice = choose_split(
        dataset.scan_events(), context.config.events, exclude_seen=context.config.evaluate.exclude_seen
    )
    if isinstance(choice.split, TimeSplit):
        log_choice(choice)
        return choice.split
    message = f"als backtest needs test periods, but {choice.why_random}"
    if choice.why_random == NO_TIME:
        raise ConfigError(message, hint="set events.columns.timestamp")
    raise DataError(message, hint="give every event a time, or set evaluate.split: {by: time, test: 1d}")


def _newest_period(dataset: Dataset, split: TimeSplit, duplicates: Duplicates) -> Period:
    clean = dataset.scan_events()
    cut_off = split_events(clean, split, duplicates).cut_off
    if cut_off is None:
        raise TypeError("a time split has a cut-off")
    return Period(cut_off, cut_off + length_of_test(clean, split, cut_off))


def _periods(context: StageContext, dataset: Dataset, newest: Period, step: timedelta) -> list[Period]:
    """Return the wanted periods that have any event before them, the newest first."""
    oldest: datetime = dataset.scan_events().select(pl.col("timestamp").min()).collect().item()
    wanted = islice(periods_back(newest, step), context.config.evaluate.backtest.cut_offs)
    return [period for period in wanted if period.start > oldest]


def _scored_cut_offs(
    context: StageContext, dataset: Dataset, published: PublishedModel, periods: Sequence[Period]
) -> list[ScoredCutOff]:
    """Return what was found at each cut-off, the oldest first; those that cannot be evaluated are left out and named."""
    scored: list[ScoredCutOff] = []
    impossible: list[tuple[Period, AlsError]] = []
    quiet = replace(context, progress=SilentProgress())  # one bar for all cut-offs
    methods, clean = methods_for(quiet, published), dataset.scan_events()
    with context.progress.task("backtest", total=len(periods) * len(methods.names)) as task:
        for number, period in enumerate(periods):
            # The newest period is the test set of `als evaluate`, which has the newest event.
            events = clean if number == 0 else period.seen_of(clean)
            try:
                parts = _divided(context, events, period)
            except (DataError, ConfigError) as reason:
                impossible.append((period, reason))
                task.advance(len(methods.names))
                continue
            scored.append(_scored(methods, parts, period, task))
    _say_what_is_missing(context, len(scored), impossible)
    return scored[::-1]


def _divided(context: StageContext, events: pl.LazyFrame, period: Period) -> EvaluationSets:
    config = context.config
    protocol = replace(SplitProtocol.of(config.evaluate), split=period.split)
    parts = divide(events, config.events, protocol)
    recipe_for(parts.training.matrix, config.train, context.threads)  # the factors asked for may be too many
    return parts


def _scored(methods: Methods, parts: EvaluationSets, period: Period, task: Task) -> ScoredCutOff:
    day = f"{period.start:%Y-%m-%d}"
    scored = methods.score(parts, SilentProgress(), lambda method: task.advance(note=f"{day} {method}"))
    log.info("cut-off %s: evaluated %d users", period.start.isoformat(), parts.holdout.test_set.users)
    return ScoredCutOff(
        period=period,
        counts=counts_of(parts),
        user_ids=parts.holdout.user_ids,
        scored=tuple(scored),
        comparisons=comparisons_of([one.measured for one in scored], methods.config.seed, SilentProgress()),
        per_user=per_user_table(parts, scored).select(
            pl.lit(period.start).cast(pl.Datetime("us", "UTC")).alias("cut_off"), pl.all()
        ),
    )


def _say_what_is_missing(
    context: StageContext, scored: int, impossible: Sequence[tuple[Period, AlsError]]
) -> None:
    """Log which cut-offs cannot be evaluated, where there are fewer than asked for.

    Raises
    ------
    DataError, ConfigError
        There is none at all.
    """
    wanted = context.config.evaluate.backtest.cut_offs
    reasons = [f"{period.start:%Y-%m-%d %H:%M}: {error.message}" for period, error in impossible]
    if not scored:
        newest = impossible[0][1]
        if isinstance(newest, ConfigError):
            raise newest
        raise DataError(
            f"als backtest: none of {wanted} cut-offs can be evaluated",
            problems=reasons,
            hint="make the test period of evaluate.split shorter, or the minimum counts of section events lower",
        )
    if scored < wanted:
        older = wanted - scored - len(impossible)
        reasons += [f"{older} lie before the first event"] if older else []
        log.warning(
            "evaluate.backtest.cut_offs: only %d of %d can be evaluated (%s)",
            scored,
            wanted,
            "; ".join(reasons),
        )
