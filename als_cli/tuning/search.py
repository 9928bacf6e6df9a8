"""The two rounds of `als tune`: a cheap one on a sample of users, whose best points begin the one on the whole data."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from als_cli.config.tune import TuneConfig
from als_cli.stages.context import StageContext
from als_cli.tuning.fold_scores import FoldJudge
from als_cli.tuning.parameters import recipe_for
from als_cli.tuning.point import Point, Start
from als_cli.tuning.presets import POINTS
from als_cli.tuning.report import TrialReport
from als_cli.tuning.sample import Folds
from als_cli.tuning.space import Dimension, point_of

if TYPE_CHECKING:
    from als_cli.tuning.study import Search

log = logging.getLogger(__name__)

Trials = tuple[TrialReport, ...]

_BEFORE_LEARNING = 8
"""Trials before the sampler learns from them, where no first round says where to begin."""
_SHARE_OF_TIME = 0.5
"""What the first round may take of `tune.time`."""


@dataclass(frozen=True)
class Found:
    """All trials of both rounds."""

    screened: Trials
    """Of the first round, empty where there was none."""
    kept: int
    """Points of the first round that begin the second."""
    trials: Trials
    """On the whole data."""
    before: int
    """How many of those there were already."""


@dataclass(frozen=True)
class _Round:
    context: StageContext
    search: "Search"
    space: Sequence[Dimension]
    judges: Sequence[FoldJudge]
    seconds_before: float = 0.0

    def run(
        self, description: str, total: int, share: float, start: Callable[[int], Start | None], random: int
    ) -> Trials:
        """Return all trials once there are `total`, or `share` of the time is spent; trial n begins with `start(n)`."""
        config, trials = self.context.config.tune, self.search.trials()
        if trials:
            log.info("%s: going on after %d trials", description, len(trials))
        with self.context.progress.task(description, total=total) as task:
            task.advance(len(trials), _note(trials))
            while self._may_go_on(trials, total, share):
                values = [judge.value for judge in self.judges]
                trials = (*trials, self.search.run_one(values, start(len(trials)), random))
                _log(description, trials[-1], config.metric)
                task.advance(note=_note(trials))
        return trials

    def _may_go_on(self, trials: Trials, total: int, share: float) -> bool:
        config = self.context.config.tune
        if trials and trials[0].untuned and trials[0].value is None:
            return False  # without the config as it was there is nothing to compare with
        if config.time is None or not trials:
            return len(trials) < total
        spent = self.seconds_before + _seconds(trials)
        return len(trials) < total and spent < share * config.time.total_seconds()


def search_both(
    context: StageContext, file: Path, name: str, space: Sequence[Dimension], rounds: tuple[Folds, Folds]
) -> Found:
    """Return the trials of the study `name` in the SQLite `file` on the folds and on their samples, `rounds`.

    The first round is over when the second has begun, so that a longer search goes on where it was.

    Raises
    ------
    ArtifactError
        The file holds no studies.
    ResourceError
        It cannot be written.
    """
    from als_cli.tuning.study import opened_studies

    config = context.config.tune
    whole, small = (_judges(context, folds) for folds in rounds)
    with opened_studies(file) as studies:
        search = studies.search(name, space, config.seed)
        before = len(search.trials())
        screened: Trials = ()
        if small:
            first = _Round(context, studies.search(f"{name}-screen", space, config.seed), space, small)
            screened = first.search.trials() if before else _screen(first, config)
        best = _best_points(screened, config.screen.keep)
        second = _Round(context, search, space, whole, _seconds(screened))

        def start(number: int) -> Start | None:
            if number == 0:
                return Start(point_of(whole[0].untuned, whole[0].matrix, space), is_untuned=True)
            first = best or _points_of_auto(search.trials()[0].parameters, space)
            return Start(first[number - 1]) if number <= len(first) else None

        random = 1 + len(best) if best else _BEFORE_LEARNING
        trials = second.run("tuning", config.trials, 1.0, start, random)
    return Found(screened, len(best), trials, before)


def _screen(first: _Round, config: TuneConfig) -> Trials:
    judge = first.judges[0]

    def start(number: int) -> Start | None:
        if number:
            return None
        most = min(judge.matrix.shape)
        factors = judge.train.factors
        fitting = most if isinstance(factors, int) and factors > most else factors
        recipe = recipe_for(judge.matrix, judge.train.model_copy(update={"factors": fitting}), judge.threads)
        return Start(point_of(recipe, judge.matrix, first.space))

    return first.run("screening", config.screen.trials, _SHARE_OF_TIME, start, _BEFORE_LEARNING)


def _judges(context: StageContext, folds: Folds) -> list[FoldJudge]:
    config = context.config
    return [FoldJudge(fold, context, config.train, config.tune.metric) for fold in folds]


def _best_points(screened: Trials, keep: int) -> list[Point]:
    """Return the best drawn points, best first; the config's own is tried anyway."""
    done = [trial for trial in screened[1:] if trial.value is not None]
    best = sorted(done, key=lambda trial: (-(trial.value or 0.0), trial.number))
    return [trial.parameters for trial in best[:keep]]


def _points_of_auto(untuned: Point, space: Sequence[Dimension]) -> list[Point]:
    """Return the points of the loss that `auto` compares, elsewhere at `untuned`; none under another objective."""
    by_name = {one.name: one for one in space}
    if "unobserved_weight" not in by_name:
        return []
    points: list[Point] = []
    for point in POINTS:
        values = {
            "unobserved_weight": point.multiple,
            "regularization": point.regularization,
            "frequency_exponent": 1.0,
            "user_exponent": point.user_exponent,
            "item_exponent": point.item_exponent,
        }
        inside = {
            name: one.from_scale(one.to_scale(values[name]))
            for name, one in by_name.items()
            if name in values
        }
        if untuned | inside not in (untuned, *points):
            points.append(untuned | inside)
    return points


def _seconds(trials: Trials) -> float:
    return sum(trial.seconds for trial in trials)


def _log(description: str, trial: TrialReport, metric: str) -> None:
    value = trial.state if trial.value is None else f"{metric} {trial.value:.5f}"
    listed = ", ".join(f"{name} {value:g}" for name, value in trial.parameters.items())
    what = "as given" if trial.untuned else listed
    log.info("%s trial %d: %s, %s, %.1f s", description, trial.number, value, what, trial.seconds)


def _note(trials: Trials) -> str:
    values = [trial.value for trial in trials if trial.value is not None]
    return f"best {max(values):.5f}" if values else ""
