"""`als backtest`: the evaluation at several cut-offs, each without later events."""

import time
from dataclasses import replace

import polars as pl

from als_cli.evaluation.backtest_cut_offs import check_backtest, score_cut_offs
from als_cli.evaluation.backtest_report import Backtest, BacktestReport
from als_cli.evaluation.backtest_summary import leads_of, means_of, spreads_of
from als_cli.evaluation.leader import leader_of, leading_metric, log_leader
from als_cli.evaluation.methods import list_lengths
from als_cli.progress import SilentProgress
from als_cli.ranking.warm_up import start_warm_up
from als_cli.splitting.auto_split import required_time_split
from als_cli.splitting.periods import newest_period, periods_with_training
from als_cli.stages.context import StageContext, reads_events
from als_cli.stages.evaluate import basis_of, methods_for, with_baselines
from als_cli.storage.backtest_files import write_backtest
from als_cli.storage.instants import open_dataset_as_of
from als_cli.storage.publish import current_version, staged_folder
from als_cli.storage.published_model import log_if_left_out, published_model
from als_cli.tuning.parameters import recipe_for


@reads_events
def backtest(context: StageContext) -> BacktestReport:
    """Return the metrics of the model and the baselines at each cut-off; publish the backtest.

    Raises
    ------
    ArtifactError
        There is no dataset, it was ingested for another instant, or the dataset or the published model of baseline
        `published` is broken.
    ConfigError
        The split is not by time, or the split, a baseline or the hyperparameters cannot be used on the events.
    DataError
        No cut-off can be evaluated.
    """
    started = time.perf_counter()
    check_backtest(context.config.evaluate)
    dataset = open_dataset_as_of(context.dataset_place, context.config.events.as_of)
    context = with_baselines(context, dataset)
    config, section = context.config, context.config.evaluate
    published = published_model(section.baseline_names, config.train, context.models_place)
    clean = dataset.scan_events()
    split = required_time_split(clean, config.events, section.split, exclude_seen=section.exclude_seen)
    start_warm_up(config.train.engine)
    newest = newest_period(clean, split, config.events.duplicates)
    step = section.backtest.step or newest.length
    periods = periods_with_training(clean, newest, step, section.backtest.cut_offs)
    log_if_left_out(published, None, context.models_place)
    methods = methods_for(replace(context, progress=SilentProgress()), published)  # one bar for all cut-offs
    scored = score_cut_offs(
        methods,
        clean,
        periods,
        # Raises ConfigError if the training set is too small for train.factors.
        lambda sets: recipe_for(sets.training.matrix, config.train, context.threads),
        context.progress,
    )
    spreads = spreads_of([cut_off.report for cut_off in scored])
    users = pl.concat([cut_off.user_ids for cut_off in scored]).unique().sort()
    result = Backtest(
        test_seconds=newest.length.total_seconds(),
        step_seconds=step.total_seconds(),
        exclude_seen=section.exclude_seen,
        at=list_lengths(section),
        users=users.len(),
        published=published.state,
        cut_offs=tuple(cut_off.report for cut_off in scored),
        spreads=spreads,
        leader=leader_of(means_of(spreads), leading_metric(None, section.at)),
        leads=leads_of(scored, users, section.seed, context.progress),
    )
    per_user = pl.concat(cut_off.per_user for cut_off in scored)
    seconds = time.perf_counter() - started
    run = {"config": config.model_dump(mode="json"), "threads": context.threads, "seconds": seconds}
    basis = basis_of(context, dataset, published.settings())
    with staged_folder(context.backtests_place, keep=context.config.keep) as folder:
        write_backtest(folder, result, per_user, basis, **run)
    log_leader(result.leader, f" (means over {len(scored)} cut-offs)" if len(scored) > 1 else "")
    place = current_version(context.backtests_place)
    return BacktestReport(**dict(result), backtest=str(place), seconds=seconds)
