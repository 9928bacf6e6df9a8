"""One trial of `auto`: a training on the validation part, judged after every sweep, and the fold-in that suits it."""

import contextlib
import logging
from dataclasses import dataclass, replace

from als_cli.als.engine import Factors, FloatArray
from als_cli.als.native import FixedItems, NativeEngine
from als_cli.als.recipe import Recipe
from als_cli.config.train import FoldInConfig, TrainConfig
from als_cli.errors import TrainingError
from als_cli.evaluation.protocol import measure
from als_cli.evaluation.rankers import FactorRanker
from als_cli.splitting.division import EvaluationParts
from als_cli.tuning.parameters import recipe_for, with_fold_in
from als_cli.tuning.presets import METRIC, FoldInPoint, Start, Trial, settled_at

_MOST_SWEEPS = 12
_AS_GOOD = 0.999
"""Of sweeps whose lists are as good, the first is chosen."""
_HOPELESS = 0.9
"""Share of the best value so far below which no fold-in is looked for."""
_GAIN_OF_ANOTHER_FOLD_IN = 1.002
"""Ratio of values from which another fold-in replaces the best so far. Smaller than for factors: it needs no other training."""
_MANY_FACTORS = 256
"""With more, each look at the lists takes long: the exponent of the fold-in is as it was with fewer, and one sweep that
brings nothing is the last, with fewer a second one."""
_LOWEST, _HIGHEST = 1 / 16, 16.0
"""Multiples of the regularization."""
_SHARES = (1.0, 0.5, 0.0)
"""Of the item exponent."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class TrialRunner:
    """Trials of one section `train` on whatever parts."""

    given: TrainConfig
    threads: int

    def run(self, parts: EvaluationParts, start: Start, factors: int, best_seen: float = 0.0) -> Trial:
        """Return what the settings are worth on `parts` from `start`, iterations as they are or, where auto, the best.

        Sweeps are judged with the fold-in of `start`; from there one is looked for that suits the best of them, unless
        they are hopeless beside `best_seen`.
        """
        matrix = parts.training.matrix
        train = settled_at(self.given, start.point, factors, matrix)
        is_open = train.iterations == "auto"
        sweeps = _MOST_SWEEPS if train.iterations == "auto" else train.iterations
        recipe = recipe_for(matrix, train.model_copy(update={"iterations": sweeps}), self.threads)
        values: list[float] = []
        best, fold_in, then = 0.0, start.fold_in, None
        with contextlib.suppress(TrainingError):
            for swept in NativeEngine().sweeps(recipe.confidences(matrix), recipe.settings):
                is_last, is_first = len(values) == sweeps - 1, not values
                is_judged = is_last or (is_open and not is_first)
                if is_judged:
                    now = _judge(parts, train.fold_in, recipe, swept)
                    values.append(now.value(fold_in))
                    best, then = (values[-1], now) if values[-1] > best else (best, then)
                else:
                    values.append(0.0)
                if is_open and _has_passed_its_best(values, 2 if factors <= _MANY_FACTORS else 1):
                    break
        number = next((n for n, value in enumerate(values, 1) if value >= _AS_GOOD * best), 1)
        if then is not None and best > _HOPELESS * best_seen:
            fold_in, best = then.suited(fold_in, best, shares=factors <= _MANY_FACTORS)
        chosen = fold_in.applied_to(train, recipe).model_copy(
            update={"iterations": number if is_open else sweeps}
        )
        trial = Trial(chosen, Start(start.point, fold_in), best)
        log.info("tried: %s", trial)
        return trial


@dataclass(frozen=True, eq=False)
class _Judge:
    """What fold-ins after some sweep are worth."""

    parts: EvaluationParts
    given: FoldInConfig
    recipe: Recipe
    items: FixedItems
    users: FloatArray
    """(T, f) of the judged users, as the sweep left them."""

    def value(self, point: FoldInPoint) -> float:
        """Return the mean of `METRIC` over the judged users, folded in as `point` says."""
        part, threads = self.parts.holdout.part, self.recipe.settings.threads
        recipe = with_fold_in(self.recipe, self.parts.training.matrix, *point.values(self.given, self.recipe))
        users = self.items.users(*recipe.fold_in_problem(part.history), start=self.users)
        return measure(FactorRanker("als", users, self.items.factors, threads), part, (10,)).averages[METRIC]

    def suited(self, start: FoldInPoint, value: float, *, shares: bool) -> tuple[FoldInPoint, float]:
        """Return the fold-in reached from `start`, which is worth `value`, and what it is worth."""
        best, value = self._climbed(start, value)
        if not shares or self.given.item_exponent != "auto" or not self.recipe.confidence.item_exponent:
            return best, value
        others = [replace(best, share=share) for share in _SHARES if share != best.share]
        worth, other = max(((self.value(one), one) for one in others), key=lambda pair: pair[0])
        return self._climbed(other, worth) if worth > value * _GAIN_OF_ANOTHER_FOLD_IN else (best, value)

    def _climbed(self, best: FoldInPoint, value: float) -> tuple[FoldInPoint, float]:
        """Return the ridge reached from `best` by doubling, or else halving it, as long as that gains."""
        if self.given.regularization != "auto":
            return best, value
        start = best
        for step in (2.0, 0.5):
            while _LOWEST <= (multiple := best.multiple * step) <= _HIGHEST:
                other = replace(best, multiple=multiple)
                if (worth := self.value(other)) <= value * _GAIN_OF_ANOTHER_FOLD_IN:
                    break
                best, value = other, worth
            if best is not start:
                break
        return best, value


def _judge(parts: EvaluationParts, given: FoldInConfig, recipe: Recipe, swept: Factors) -> _Judge:
    items = FixedItems(swept.items, recipe.settings.threads)
    return _Judge(parts, given, recipe, items, swept.users[parts.holdout.user_rows])


def _has_passed_its_best(values: list[float], patience: int) -> bool:
    """Return whether the last `patience` sweeps brought next to nothing; the first sweep is not judged."""
    judged, last = values[1:-patience], values[-patience:]
    return bool(judged) and _AS_GOOD * max(last) <= max(judged)
