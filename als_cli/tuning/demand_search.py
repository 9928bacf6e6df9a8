"""The search for the rule of demand: how recent demand is, and how much it changes the ranking.

The search starts with typical exponents and the best half-life. It then changes one value at a time by one step of its
ladder, while the metric improves.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from als_cli.tuning.point import (
    DEMAND_EXPONENT,
    DEMAND_HALF_LIFE,
    DEMAND_OFFSET,
    LONG_RUN_EXPONENT,
    LONG_RUN_HALF_LIFE,
    Point,
)

_MIN_GAIN = 1.002
"""Minimum ratio by which another value must improve the metric."""
_MAXIMUM_ROUNDS = 3
_HOUR, _DAY = timedelta(hours=1).total_seconds(), timedelta(days=1).total_seconds()
_HALF_LIVES = (
    *(hours * _HOUR for hours in (0.5, 2, 6, 12)),
    *(days * _DAY for days in (1, 2, 4, 7, 14, 28, 56, 112)),
)
_LADDERS = {
    DEMAND_HALF_LIFE: _HALF_LIVES,
    DEMAND_EXPONENT: (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0),
    LONG_RUN_HALF_LIFE: (30 * _DAY, 120 * _DAY, 365 * _DAY, math.inf),
    LONG_RUN_EXPONENT: (0.0, 0.25, 0.5, 0.75, 1.0),
    DEMAND_OFFSET: (0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0),
}
_EXPONENTS_WITHOUT_TIMES = (0.1, 0.2, 0.35, 0.5)
POPULARITY_OFFSET = 1000.0
"""With this offset, demand alone determines the lists."""


def demand_point(
    half_life: float = math.inf,
    exponent: float = 0.0,
    long_run_half_life: float = math.inf,
    long_run_exponent: float = 0.0,
    offset: float = 0.0,
) -> Point:
    """Return the values of a rule of demand, half-lives in seconds. Without arguments, it has no influence."""
    return {
        DEMAND_HALF_LIFE: half_life,
        DEMAND_EXPONENT: exponent,
        LONG_RUN_HALF_LIFE: long_run_half_life,
        LONG_RUN_EXPONENT: long_run_exponent,
        DEMAND_OFFSET: offset,
    }


@dataclass
class DemandSearch:
    """The search on one set of trained models."""

    score: Callable[[Point], float]
    """Returns the validation metric of a point. It is called again for the same points."""
    span: float | None
    """Seconds from the oldest to the newest event; None: there are no times, and half-lives are infinite."""

    def first(self, start: Point) -> tuple[Point, float]:
        """Return the best point found and its score: `start` with the best rule of demand."""
        neutral = {**start, **demand_point()}
        typical = max(({**start, **rule} for rule in self._typical()), key=self.score)
        best = self._climb(typical)
        if self.score(best) <= self.score(neutral) * _MIN_GAIN:
            best = neutral
        return best, self.score(best)

    def improved(self, start: Point) -> tuple[Point, float]:
        """Return the best point found and its score. The search changes the demand of `start` step by step."""
        best = self._climb(start)
        return best, self.score(best)

    def best_popularity(self, start: Point) -> tuple[Point, float]:
        """Return `start` with the rule that ranks by recent popularity alone, with the best half-life, and its score."""
        best = max(({**start, **rule} for rule in self._popularity()), key=self.score)
        return best, self.score(best)

    def _popularity(self) -> list[Point]:
        return [demand_point(half_life, 1.0, offset=POPULARITY_OFFSET) for half_life in self._half_lives()]

    def _typical(self) -> list[Point]:
        if self.span is None:
            return [demand_point(exponent=exponent) for exponent in _EXPONENTS_WITHOUT_TIMES]
        long_run = self._ladder(LONG_RUN_HALF_LIFE)[-2:][0]
        return [demand_point(half_life, 1.0, long_run, 0.75, 0.1) for half_life in self._half_lives()]

    def _half_lives(self) -> tuple[float, ...]:
        return (math.inf,) if self.span is None else self._ladder(DEMAND_HALF_LIFE)

    def _ladder(self, name: str) -> tuple[float, ...]:
        """Return the values of `name`. Half-lives above the span of the events are left out, apart from infinity."""
        values = _LADDERS[name]
        if name not in (DEMAND_HALF_LIFE, LONG_RUN_HALF_LIFE) or self.span is None:
            return values
        inside = tuple(value for value in values if value <= self.span or math.isinf(value))
        return inside or values[:1]

    def _climb(self, start: Point) -> Point:
        if self.span is None or start[DEMAND_OFFSET] == POPULARITY_OFFSET or not start[DEMAND_EXPONENT]:
            return start  # no other value has an influence
        best = start
        for _ in range(_MAXIMUM_ROUNDS):
            before = best
            for name in _LADDERS:
                best = self._along(name, best)
            if best is before:
                break
        return best

    def _along(self, name: str, start: Point) -> Point:
        """Return the best point on the ladder of `name`: one step after the other, in the direction that improves."""
        best = start
        for direction in (1, -1):
            for value in _beside(self._ladder(name), best[name], direction):
                other = {**best, name: value}
                if self.score(other) <= self.score(best) * _MIN_GAIN:
                    break
                best = other
            if best is not start:
                break
        return best


def _beside(ladder: tuple[float, ...], value: float, direction: int) -> Iterator[float]:
    """Yield the values of `ladder` on one side of `value`, the nearest first."""
    if direction > 0:
        yield from (other for other in ladder if other > value)
    else:
        yield from (other for other in reversed(ladder) if other < value)
