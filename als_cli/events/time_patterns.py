"""Formats that read a column of times that the declared format does not read."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from als_cli.events.probe import Probed
from als_cli.events.times import as_time, plausible_unit

_SAMPLED = 2_000
"""Number of distinct times on which patterns are tried before whole columns are read."""
_EXAMPLES = 8
"""Number of times from which patterns are derived."""
_FINALISTS = 3
_OLDEST = datetime(1900, 1, 1, tzinfo=UTC)

_CLOCK = re.compile(r"(\d{1,2}):\d{2}(:\d{2})?([.,]\d{1,9})?(?:(\s*)([AaPp][Mm])(?![A-Za-z]))?")
_OFFSET = re.compile(r"[+-]\d{2}:?\d{2}(?!\d)")
_TOKEN = re.compile(r"\d+|[A-Za-z]+|.", re.DOTALL)
_MONTHS = [
    *("january", "february", "march", "april", "may", "june", "july", "august", "september", "october"),
    *("november", "december"),
]
_DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_NAMES = {
    **{name[:3]: "%b" for name in _MONTHS},
    **{name: "%B" for name in _MONTHS if name != "may"},
    **{name[:3]: "%a" for name in _DAYS},
    **dict.fromkeys(_DAYS, "%A"),
}
_PATTERNS_OF_DIGITS = {14: ["%Y%m%d%H%M%S"], 12: ["%Y%m%d%H%M"], 8: ["%Y%m%d", "%d%m%Y", "%m%d%Y"]}
_ORDERS: dict[bool, list[tuple[str, ...]]] = {
    False: [("%d", "%m", "%Y"), ("%m", "%d", "%Y"), ("%Y", "%m", "%d")],
    True: [("%d", "%Y"), ("%Y", "%d")],
}
"""Orders of the numbers in a date. The key says whether the month is a name."""


@dataclass(frozen=True)
class _Reads:
    """A format and the number of times that it reads."""

    form: str
    times: int


def time_hint(probed: Sequence[Probed], rejected: Path, latest: datetime, tolerated: float) -> str | None:
    """Return a hint with a value for `events.timestamp_format`, or None if no format reads the times better.

    `rejected` has the rows that were not read (reason
    unreadable_time). Times after `latest` do not count. The fraction `tolerated` of the times may stay unreadable. Each
    suggested format has read the columns with the code that ingests them.
    """
    texts, unreadable = _unreadable(rejected)
    forms = {file.form for file in probed}
    timed = [file for file in probed if file.time is not None]
    times = sum(file.time.times for file in timed if file.time)
    candidates = dict.fromkeys(pattern for text in texts[:_EXAMPLES] for pattern in patterns_for(text))
    units = {unit for file in timed if file.time and (unit := plausible_unit(file.time, latest))}
    candidates |= dict.fromkeys(form for form in ("iso", *units) if form not in forms)
    frame = pl.DataFrame({"timestamp": texts}, schema={"timestamp": pl.String}).lazy()
    promising = _most_reading(_reads(frame, pl.String(), candidates, latest))[:_FINALISTS]
    totals = dict.fromkeys((reads.form for reads in promising), 0)
    for file in timed:
        for reads in _reads(file.plain, file.dtypes["timestamp"], totals, latest):
            totals[reads.form] += reads.times
    best = _most_reading([_Reads(form, count) for form, count in totals.items()])
    if best:
        return _suggestion(best, times, texts[0], tolerated)
    return _unknown(texts[0]) if unreadable * 2 >= times else None


def patterns_for(text: str) -> list[str]:
    """Return the strftime patterns that may read the time `text`. Patterns with the day before the month come first."""
    pieces, numbers, has_month = _pieces(text)
    return list(dict.fromkeys("".join(_filled(pieces, order)) for order in _orders(numbers, has_month)))


def _suggestion(best: Sequence[_Reads], times: int, text: str, tolerated: float) -> str:
    most = best[0].times
    equal = [reads.form for reads in best if reads.times == most]
    # A leading two-digit year reads almost every date, but few files have one.
    likely = [form for form in equal if not form.startswith("%y")] or equal
    equal = [form for form in equal if "%" not in form][:1] or likely
    if times - most > tolerated * times:
        return (
            f"the times are written in more than one format: {_quoted(equal[0])} reads {most} of {times}; "
            "write all times in one format"
        )
    read = f"all {times}" if most == times else f"{most} of {times}"
    if len(equal) == 1:
        return f"set events.timestamp_format: {_quoted(equal[0])}, which reads {read} times"
    return (
        f"set events.timestamp_format: {' or '.join(map(_quoted, equal))}; each of them reads {read} times, "
        f"for example {text!r}: use the format of your data"
    )


def _unknown(text: str) -> str:
    return (
        f"set events.timestamp_format to a strftime pattern that reads {text!r}, "
        "as '%d/%m/%Y %H:%M' reads '31/01/2026 18:30'"
    )


def _quoted(form: str) -> str:
    return "'" + form.replace("'", "''") + "'" if "%" in form else form


def _unreadable(rejected: Path) -> tuple[list[str], int]:
    """Return the first distinct unreadable times, and the number of rows with an unreadable time."""
    rows = pl.scan_parquet(rejected, glob=False).filter(pl.col("reason") == "unreadable_time")
    texts = rows.select("timestamp").unique(maintain_order=True).head(_SAMPLED).collect()["timestamp"]
    count = int(rows.select(pl.len()).collect().item())
    return [text.removesuffix(".0") for text in texts.to_list()], count


def _reads(frame: pl.LazyFrame, dtype: pl.DataType, forms: Iterable[str], latest: datetime) -> list[_Reads]:
    """Return for each format the number of times in `frame` that it reads as a plausible instant."""
    counts = []
    for form in forms:
        time = as_time(pl.col("timestamp"), dtype, form)
        plausible = time.is_between(pl.lit(_OLDEST), pl.lit(latest).dt.cast_time_unit("us"))
        try:
            read = int(frame.select(plausible.sum()).collect(engine="streaming").item() or 0)
        except pl.exceptions.PolarsError:  # an invalid pattern, for example an hour without a minute
            read = 0
        counts.append(_Reads(form, read))
    return counts


def _most_reading(reads: Sequence[_Reads]) -> list[_Reads]:
    return sorted((found for found in reads if found.times), key=lambda found: -found.times)


def _pieces(text: str) -> tuple[list[str | int], list[str], bool]:
    """Return the pieces of a pattern, the numbers of the date, and whether the month is a name.

    A piece is either a part of the pattern or the position of a number of the date.
    """
    pieces: list[str | int] = []
    numbers: list[str] = []
    position, after_clock = 0, False
    while position < len(text):
        clock = None if after_clock else _CLOCK.match(text, position)
        offset = _OFFSET.match(text, position) if after_clock else None
        match = clock or offset or _TOKEN.match(text, position)
        if match is None:
            break
        position = match.end()
        after_clock = after_clock or clock is not None
        if clock is not None:
            pieces.append(_clock_pattern(clock))
        elif offset is not None:
            pieces.append("%z")
        elif match[0].isdigit():
            pieces.append(len(numbers))
            numbers.append(match[0])
        else:
            pieces.append(_NAMES.get(match[0].lower(), match[0].replace("%", "%%")))
    return pieces, numbers, "%b" in pieces or "%B" in pieces


def _clock_pattern(clock: re.Match[str]) -> str:
    _, seconds, fraction, gap, am_pm = clock.groups()
    pattern = ("%I" if am_pm else "%H") + ":%M" + (":%S" if seconds else "")
    if fraction:
        pattern += "%.f" if fraction[0] == "." else f",%{len(fraction) - 1}f"
    return pattern + (f"{gap}%p" if am_pm else "")


def _orders(numbers: Sequence[str], has_month: bool) -> Iterator[list[str]]:
    """Yield strftime directives for the numbers of a date. Orders with the day before the month come first."""
    if numbers and len(numbers[0]) in _PATTERNS_OF_DIGITS and not has_month:
        rest = ["%H%M%S"] if len(numbers) > 1 and len(numbers[1]) == 6 else []
        yield from ([run, *rest] for run in _PATTERNS_OF_DIGITS[len(numbers[0])])
        return
    size = 2 if has_month else 3
    dated, clock = numbers[:size], ["%H", "%M", "%S"][: max(0, len(numbers) - size)]
    if len(dated) < size:
        return
    for order in _ORDERS[has_month]:
        lengths = dict(zip(order, map(len, dated), strict=True))
        year = {2: "%y", 4: "%Y"}.get(lengths.pop("%Y"))
        if year and max(lengths.values()) <= 2:
            yield [*(year if directive == "%Y" else directive for directive in order), *clock]


def _filled(pieces: Sequence[str | int], order: Sequence[str]) -> Iterator[str]:
    for piece in pieces:
        if isinstance(piece, str):
            yield piece
        elif piece < len(order):
            yield order[piece]
