"""The number of bad rows that the config allows, and the error if there are more."""

import math
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from als_cli.config.events import EventsConfig
from als_cli.errors import DataError, counted
from als_cli.events.checks import REASONS
from als_cli.tables.scan import STDIN

_EXAMPLES = 3


def count_reasons(rejected: Path) -> dict[str, int]:
    """Return the number of rows per reason in the file `rejected`, in the order of REASONS."""
    counted = (
        pl.scan_parquet(rejected, glob=False).group_by("reason").agg(pl.len()).collect(engine="streaming")
    )
    found = dict(counted.iter_rows())
    return {reason: found[reason] for reason in REASONS if reason in found}


def too_many(bad: int, rows: int, config: EventsConfig) -> bool:
    """Return whether `bad` of `rows` rows are more than the config allows. All rows are always too many."""
    if bad == 0:
        return False
    return bad == rows or config.bad_rows == "fail" or bad > config.max_bad_fraction * rows


def check_bad_fraction(
    counts: Mapping[str, int], rows: int, rejected: Path, config: EventsConfig, hints: Mapping[str, str]
) -> None:
    """Raise a DataError if the config does not allow the bad rows in `counts`, by reason, of `rows` rows.

    `rejected` is the file of the bad rows. `hints` has the hint for a reason whose cause is known.

    Raises
    ------
    DataError
        There are too many bad rows. The error has the number per reason and the first few rows.
    """
    bad = sum(counts.values())
    if not too_many(bad, rows, config):
        return
    some = f"{bad:,} of {counted(rows, 'row')} {'is' if rows == 1 else 'are'} bad"
    if bad == rows:
        message = "the only row is bad" if rows == 1 else f"all {rows:,} rows are bad"
    elif config.bad_rows == "fail":
        message = f"{some}, and events.bad_rows is `fail`"
    else:
        message = f"{some} ({bad / rows:.1%}), more than events.max_bad_fraction {config.max_bad_fraction:g}"
    problems = [f"{reason}: {counted(count, 'row')}, {REASONS[reason]}" for reason, count in counts.items()]
    raise DataError(message, hint=_hint(counts, rows, config, hints), problems=problems + _examples(rejected))


def _hint(counts: Mapping[str, int], rows: int, config: EventsConfig, hints: Mapping[str, str]) -> str:
    """Return the hint for the most frequent reason."""
    reason = max(counts, key=lambda name: counts[name])
    if reason in hints:
        return hints[reason]
    bad = sum(counts.values())
    if bad == rows or config.bad_rows == "fail":
        return "correct the source or events.columns, or drop the rows with events.where"
    fraction = math.ceil(100 * bad / rows) / 100
    accept = f"set events.max_bad_fraction: {fraction:g} to continue without these rows"
    if reason == "null_user":
        return (
            f"{accept}; check events.columns.user first; if an export has the user only on the first line of an order, "
            "fill in the other lines to keep them"
        )
    return f"{accept}, correct the source or events.columns, or drop the rows with events.where"


def _examples(rejected: Path) -> list[str]:
    lines = []
    for row in pl.scan_parquet(rejected, glob=False).head(_EXAMPLES).collect().iter_rows(named=True):
        fields = ", ".join(
            f"{name}={row[name]!r}" for name in ("user", "item", "timestamp", "type", "value") if row[name]
        )
        file = "stdin" if row["source"] == STDIN else row["source"]
        lines.append(
            f"for example {file}, row {row['row']}: {row['reason']} ({fields or 'all fields empty'})"
        )
    return lines
