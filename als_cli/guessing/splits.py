"""The split of the evaluation, from the times of a sample."""

from datetime import datetime, timedelta

import polars as pl

from als_cli.config.fields import format_duration
from als_cli.errors import counted
from als_cli.guessing.guess import Guess
from als_cli.splitting.auto_split import DAYS, ENOUGH_USERS, HOURS, MAXIMUM_WINDOW, WHOLE_DAYS_FROM

_KEY = "evaluate.split"
_MINIMUM_USERS = 30


def guess_split(times: pl.Series | None, users: pl.Series | None, *, is_complete: bool) -> Guess:
    """Return the split for events with `times` (Datetime, null where unreadable) and `users`.

    Without times the split is random. If the sample `is_complete`, the test period is the shortest one with 1,000 test
    users, or the period with the most test users. Otherwise `auto` counts them when the events are evaluated.
    """
    if times is None or times.drop_nulls().is_empty():
        return Guess(
            _KEY,
            {"by": "random", "fraction": 0.2},
            0.9,
            ("the events have no times, so a time split is impossible",),
        )
    oldest, newest = _bounds(times)
    span = newest - oldest
    windows = _windows(span)
    if not windows:
        return Guess(_KEY, {"by": "auto"}, 0.7, (f"the events span only {_shown(span)}",))
    if not is_complete or users is None:
        about = format_duration(next((one for one in windows if one >= span / 20), windows[-1]))
        reason = (
            f"the sample spans {_shown(span)}; auto takes the shortest period at the end with 1,000 test users, "
            f"perhaps about {about}"
        )
        return Guess(_KEY, {"by": "auto"}, 0.8, (reason,))
    counts = {window: _test_users(times, users, newest - window) for window in windows}
    most = max(counts.values())
    enough = [window for window in windows if counts[window] >= min(ENOUGH_USERS, most)]
    if most < _MINIMUM_USERS:
        return Guess(_KEY, {"by": "auto"}, 0.6, (f"no period at the end has {_MINIMUM_USERS} test users",))
    window = format_duration(enough[0])
    number = counts[enough[0]]
    test_users = f"{counted(number, 'user')} {'has' if number == 1 else 'have'}"
    reason = f"the events span {_shown(span)}; {test_users} events before and in the last {window}"
    return Guess(_KEY, {"by": "time", "test": window}, 0.85, (reason,))


def _bounds(times: pl.Series) -> tuple[datetime, datetime]:
    return times.min(), times.max()  # type: ignore[return-value]


def _windows(span: timedelta) -> list[timedelta]:
    """Return the test periods that `auto` would try, shortest first."""
    windows = [timedelta(hours=hours) for hours in HOURS]
    if span >= WHOLE_DAYS_FROM:
        windows = [timedelta(days=days) for days in DAYS]
    return [window for window in windows if window <= MAXIMUM_WINDOW * span]


def _test_users(times: pl.Series, users: pl.Series, cut_off: object) -> int:
    spans = (
        pl.DataFrame({"user": users, "time": times})
        .drop_nulls()
        .group_by("user")
        .agg(first=pl.col("time").min(), last=pl.col("time").max())
    )
    return spans.filter((pl.col("first") < pl.lit(cut_off)) & (pl.col("last") >= pl.lit(cut_off))).height


def _shown(span: timedelta) -> str:
    if span >= timedelta(days=2):
        return f"{span.days:,} days"
    return f"{span.total_seconds() / 3600:.1f} hours"
