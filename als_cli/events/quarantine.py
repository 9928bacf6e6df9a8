"""How many bad rows a run tolerates, and what is said when there are more."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from als_cli.config.events import EventsConfig
from als_cli.errors import DataError
from als_cli.events.checks import REASONS
from als_cli.events.tables import STDIN

_EXAMPLES = 3


def count_reasons(rejected: Path) -> dict[str, int]:
    """Return the bad rows per reason, in the order of the checks, from a file with REJECTED_COLUMNS."""
    counted = pl.scan_parquet(rejected).group_by("reason").agg(pl.len()).collect(engine="streaming")
    found = dict(counted.iter_rows())
    return {reason: found[reason] for reason in REASONS if reason in found}


def check_bad_share(
    counts: Mapping[str, int], rows: int, rejected: Path, config: EventsConfig, hints: Sequence[str]
) -> None:
    """Return nothing where the bad rows in `counts` are within what the config tolerates of `rows` that matter.

    `rejected` is the file of the bad rows, for examples; `hints` are guesses at the cause, better than the usual one.

    Raises
    ------
    DataError
        Too many, with the number per reason and the first few rows.
    """
    bad = sum(counts.values())
    if bad == 0 or (bad < rows and config.bad_rows == "quarantine" and bad <= config.max_bad_share * rows):
        return
    if bad == rows:
        message = f"all {rows} rows are bad"
    elif config.bad_rows == "fail":
        message = f"{bad} of {rows} rows are bad, and events.bad_rows is `fail`"
    else:
        message = f"{bad} of {rows} rows are bad ({bad / rows:.1%}), more than events.max_bad_share {config.max_bad_share:g}"
    problems = [f"{reason}: {count} rows, {REASONS[reason]}" for reason, count in counts.items()]
    usual = "correct the source or its columns; events.where drops rows on purpose, events.max_bad_share tolerates more"
    raise DataError(message, hint=hints[0] if hints else usual, problems=problems + _examples(rejected))


def _examples(rejected: Path) -> list[str]:
    lines = []
    for row in pl.scan_parquet(rejected).head(_EXAMPLES).collect().iter_rows(named=True):
        fields = ", ".join(
            f"{name}={row[name]!r}" for name in ("user", "item", "timestamp", "type", "value") if row[name]
        )
        file = "stdin" if row["source"] == STDIN else row["source"]
        lines.append(
            f"for example {file}, row {row['row']}: {row['reason']} ({fields or 'all fields empty'})"
        )
    return lines
