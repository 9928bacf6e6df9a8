"""Values as people read them: ids and titles of any content, numbers, durations and times."""

import math
import re
from datetime import UTC, datetime

MAXIMUM_CHARACTERS = 80
_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u200b\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\ufffb\ud800-\udfff]+"
)
"""Control characters, line separators, overrides of direction, characters without width, and halves of surrogate pairs.

Joiners stay, because words of some languages need them.
"""
_REPLACEMENT = "\ufffd"
_SPACE = "\u00a0"


def readable(value: object, limit: int = MAXIMUM_CHARACTERS) -> str:
    """Return an id, a title or another text of the data, with at most `limit` characters.

    Characters that cannot be seen, or that change the direction of the text around them, become U+FFFD. The template
    escapes markup. None and an empty text become a dash.
    """
    text = _INVISIBLE.sub(_REPLACEMENT, "" if value is None else str(value)).strip()
    if not text:
        return "–"
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def count(number: float) -> str:
    """Return a whole number with separators of thousands."""
    return f"{number:,.0f}"


def percent(fraction: float, digits: int = 1) -> str:
    """Return a fraction as per cent; a dash for NaN. It is a bound if it would be rounded to 0 or to 100 per cent."""
    if math.isnan(fraction):
        return "–"
    smallest = 10 ** -(digits + 2)
    if 0 < fraction < smallest:
        return f"< {smallest:.{digits}%}".replace("%", f"{_SPACE}%")
    if 1 - smallest / 2 <= fraction < 1:
        return f"> {1 - smallest:.{digits}%}".replace("%", f"{_SPACE}%")
    return f"{fraction:.{digits}%}".replace("%", f"{_SPACE}%")


def figure(value: float | None, digits: int = 4) -> str:
    """Return a metric with `digits` decimals; a dash for None and NaN."""
    return "–" if value is None or math.isnan(value) else f"{value:,.{digits}f}"


def short(value: float) -> str:
    """Return a value of any size with four significant digits."""
    return f"{value:.4g}"


def score(value: float) -> str:
    """Return a score with three significant digits, and all digits of a large number."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:#.3g}".removesuffix(".")


def duration(seconds: float) -> str:
    """Return a duration in the unit that gives the shortest text."""
    if seconds < 0.1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 1:
        return f"{seconds:.2f} s"
    for size, unit in ((31_557_600, "years"), (86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds:.1f} s"


def instant(time: datetime | None) -> str:
    """Return a time to the minute, UTC; a dash for None."""
    return "–" if time is None else f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def day(time: datetime | None) -> str:
    """Return the day of a time, UTC; a dash for None."""
    return "–" if time is None else f"{time.astimezone(UTC):%Y-%m-%d}"


def plural(number: int, noun: str) -> str:
    """Return `number` and `noun`, which gets an s unless the number is 1."""
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"
