"""Rows that are not in the dataset, by reason, and the files that were read."""

from pathlib import PurePath

import polars as pl

from als_cli.events.checks import REASONS
from als_cli.report.parts import Table, table_of
from als_cli.report.text import count, percent, readable
from als_cli.storage.dataset_files import REJECTED, StoredDataset
from als_cli.storage.manifest import Manifest

_MAXIMUM_SOURCES = 8
_DROPPED = {
    "where": "the condition events.where is not satisfied",
    "unlisted_type": "the event type is not in events.types",
    "negative": "the value is negative, and events.negative is drop",
    "duplicate": "the row repeats another row",
}


def counts_by_reason(manifest: Manifest, prefix: str) -> dict[str, int]:
    """Return the numbers above zero whose names begin with `prefix`: ``rejected_`` or ``dropped_``."""
    return {
        name.removeprefix(prefix): number
        for name, number in manifest.counts.items()
        if name.startswith(prefix) and number
    }


def left_out_rows(dataset: StoredDataset) -> Table | None:
    """Return the rejected rows, the dropped rows and the later events by reason; None if there are none."""
    rejected, dropped = (counts_by_reason(dataset.manifest, prefix) for prefix in ("rejected_", "dropped_"))
    later = dataset.manifest.counts.get("later_events", 0)
    if not rejected and not dropped and not later:
        return None
    rows, examples = dataset.manifest.counts.get("rows", 1), _examples(dataset) if rejected else {}
    lines_of = [
        *(
            ("rejected", REASONS.get(name, name), number, examples.get(name, ""))
            for name, number in rejected.items()
        ),
        *(("dropped", _DROPPED.get(name, name), number, "") for name, number in dropped.items()),
        *([("left out", "the event is later than events.as_of", later, "")] if later else []),
    ]
    return table_of(
        "Rows that are not in the dataset, by reason",
        ("row is", "reason", "first example", "rows", "of all"),
        [
            (kind, readable(reason), example or "–", count(number), percent(number / rows, 2))
            for kind, reason, number, example in lines_of
        ],
        texts=3,
    )


def _examples(dataset: StoredDataset) -> dict[str, str]:
    """Return the first rejected row of each reason, in words."""
    path = dataset.manifest.file(dataset.folder, REJECTED)
    first = (
        pl.scan_parquet(path, glob=False)
        .group_by("reason", maintain_order=True)
        .agg(pl.all().first())
        .collect()
    )
    found = {}
    for row in first.iter_rows(named=True):
        fields = ", ".join(
            f"{name} {readable(row[name], 24)}"
            for name in ("user", "item", "timestamp", "type", "value")
            if row[name]
        )
        file = readable(PurePath(str(row["source"])).name, 40)
        found[str(row["reason"])] = f"{file}, row {count(row['row'])}: {fields or 'all fields are empty'}"
    return found


def source_files(manifest: Manifest) -> Table:
    """Return the names, rows and sizes of the files that were read. Their folders are left out."""
    inputs = manifest.inputs
    rows = [
        (
            readable(PurePath(one.path).name),
            "–" if one.rows is None else count(one.rows),
            f"{one.bytes / 1e6:,.1f} MB",
        )
        for one in inputs[:_MAXIMUM_SOURCES]
    ]
    if len(inputs) > _MAXIMUM_SOURCES:
        rest = inputs[_MAXIMUM_SOURCES:]
        size = sum(one.bytes for one in rest) / 1e6
        rows.append(
            (f"{count(len(rest))} more files", count(sum(one.rows or 0 for one in rest)), f"{size:,.1f} MB")
        )
    return table_of("Files that were read", ("file", "rows", "size"), rows)
