"""Metrics of all methods at each cut-off of a backtest."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from als_cli.config.evaluate import AutoSplit, EvaluateConfig, TimeSplit
from als_cli.errors import AlsError, ConfigError, DataError
from als_cli.evaluation.backtest_report import CutOffReport
from als_cli.evaluation.comparisons import comparisons_of
from als_cli.evaluation.methods import Methods, Scored, counts_of, per_user_table
from als_cli.evaluation.report import ComparisonReport
from als_cli.progress import Progress, SilentProgress, Task
from als_cli.splitting.division import EvaluationSets, divide
from als_cli.splitting.periods import Period
from als_cli.splitting.protocol import SplitProtocol

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ScoredCutOff:
    """Metrics of all methods at one cut-off."""

    period: Period
    counts: dict[str, int]
    """Sizes of the training set; test users and test pairs; users and pairs left out, by reason."""
    user_ids: pl.Series
    """(T,) ids of the evaluated users, in the order of the values per user."""
    scored: tuple[Scored, ...]
    """The model first, then the baselines."""
    comparisons: tuple[ComparisonReport, ...]
    """The model minus each baseline."""
    per_user: pl.DataFrame
    """Values per user: the columns of :func:`per_user_table`, after `cut_off`."""

    @cached_property
    def report(self) -> CutOffReport:
        """The report of this cut-off."""
        return CutOffReport(
            cut_off=self.period.start.isoformat(),
            end=self.period.end.isoformat(),
            counts=self.counts,
            methods=tuple(method.report() for method in self.scored),
            comparisons=self.comparisons,
        )


def check_backtest(config: EvaluateConfig) -> None:
    """Check that a backtest can use section `evaluate`.

    Raises
    ------
    ConfigError
        The split is not by time, or there are candidates.
    """
    if not isinstance(config.split, TimeSplit | AutoSplit):
        raise ConfigError(
            f"als backtest needs evaluate.split by time, but evaluate.split.by is {config.split.by}",
            hint="set evaluate.split: {by: time, test: 7d}",
        )
    if config.candidates is not None:
        raise ConfigError(
            "als backtest cannot use evaluate.candidates: candidates are made for the test items of one cut-off",
            hint="remove them, for example with --set evaluate.candidates=null",
        )


def score_cut_offs(
    methods: Methods,
    clean: pl.LazyFrame,
    periods: Sequence[Period],
    check_training: Callable[[EvaluationSets], object],
    progress: Progress,
) -> list[ScoredCutOff]:
    """Return the metrics of `methods` at the cut-off of each of `periods`, oldest first.

    `clean` are the events of the dataset (CLEAN_EVENT_COLUMNS), `periods` the newest first. `check_training` raises
    ConfigError if the hyperparameters cannot be used on a training set. Cut-offs that cannot be evaluated are left out,
    with a warning.

    Raises
    ------
    ConfigError
        No cut-off can be evaluated, and the config is the reason at the newest one.
    DataError
        No cut-off can be evaluated.
    """
    scored: list[ScoredCutOff] = []
    failed: list[tuple[Period, AlsError]] = []
    with progress.task("backtest", total=len(periods) * len(methods.names)) as task:
        for number, period in enumerate(periods):
            # The newest period is the test set of `als evaluate`, which includes the newest event.
            events = clean if number == 0 else period.seen_of(clean)
            protocol = SplitProtocol.of(methods.config, period.split)
            try:
                sets = divide(events, methods.signal, protocol)
                check_training(sets)
            except (DataError, ConfigError) as error:
                failed.append((period, error))
                task.advance(len(methods.names))
                continue
            scored.append(_score(methods, sets, period, task))
    _report_left_out(methods.config.backtest.cut_offs, len(scored), failed)
    return scored[::-1]


def _score(methods: Methods, sets: EvaluationSets, period: Period, task: Task) -> ScoredCutOff:
    day = f"{period.start:%Y-%m-%d}"
    scored = methods.score(sets, SilentProgress(), lambda method: task.advance(note=f"{day} {method}"))
    log.info("cut-off %s: evaluated %d users", period.start.isoformat(), sets.holdout.test_set.users)
    return ScoredCutOff(
        period=period,
        counts=counts_of(sets),
        user_ids=sets.holdout.user_ids,
        scored=tuple(scored),
        comparisons=comparisons_of(
            [method.measured for method in scored], methods.config.seed, SilentProgress()
        ),
        per_user=per_user_table(sets, scored).select(
            pl.lit(period.start).cast(pl.Datetime("us", "UTC")).alias("cut_off"), pl.all()
        ),
    )


def _report_left_out(wanted: int, scored: int, failed: Sequence[tuple[Period, AlsError]]) -> None:
    """Log a warning that names the cut-offs that were left out; raise an error if none of `wanted` was scored."""
    reasons = [f"{period.start:%Y-%m-%d %H:%M}: {error.message}" for period, error in failed]
    if scored == 0:
        newest = failed[0][1]
        if isinstance(newest, ConfigError):
            raise newest
        raise DataError(
            f"als backtest: none of {wanted} cut-offs can be evaluated",
            problems=reasons,
            hint="make the test period of evaluate.split shorter, or lower events.min_user_interactions and "
            "events.min_item_interactions",
        )
    if scored < wanted:
        too_early = wanted - scored - len(failed)
        reasons += [f"{too_early} have no event before them"] if too_early else []
        log.warning(
            "evaluate.backtest.cut_offs: only %d of %d cut-offs can be evaluated (%s)",
            scored,
            wanted,
            "; ".join(reasons),
        )
