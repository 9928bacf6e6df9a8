"""Property of `events.as_of`: `als ingest` makes the same dataset as from a file without the later events."""

import tempfile
from pathlib import Path

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from als_cli.errors import ConfigError, DataError
from tests.stages.ingesting import ingested, strengths

FIRST = [(user, item, "2026-03-01T00:00:00Z", "view", "1") for user, item in (("1", "7"), ("2", "8"))]
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["1", "2", "3", "x", "", "007"]),
        st.sampled_from(["7", "8", "y", "9"]),
        st.one_of(
            st.integers(0, 23).map(lambda hour: f"2026-03-01T{hour:02}:00:00Z"), st.sampled_from(["", "?"])
        ),
        st.sampled_from(["view", "buy", "", "other"]),
        st.sampled_from(["1", "2.5", "-1", "n/a", ""]),
    ),
    max_size=20,
)


def outcome(folder, rows, keys):
    """Return the dataset, the bad rows and the counts of an ingest, or its error."""
    text = "user,item,ts,kind,n\n" + "".join(",".join(row) + "\n" for row in rows)
    folder.mkdir()
    try:
        report, dataset = ingested(folder, text, **keys)
    except (DataError, ConfigError) as error:
        return type(error), error.message.replace(str(folder), "")
    names = ("users.parquet", "items.parquet", "events.parquet")
    tables = [pl.read_parquet(dataset.folder / name) for name in names]
    rejected = pl.read_parquet(dataset.folder / "rejected.parquet").drop("row", "source").rows()
    counts = (report.dropped, report.rejected, report.types, report.rows - report.later_events)
    return [(table.schema, table.rows()) for table in tables], strengths(dataset), rejected, counts


@settings(max_examples=30)
@given(
    rows=EVENTS,
    hour=st.integers(0, 23),
    half_life=st.sampled_from([None, "3h"]),
    duplicates=st.sampled_from(["sum", "exact", "last", "max"]),
    where=st.sampled_from([None, "n > 0 or kind = 'view'", "kind in ('view', 'buy')"]),
)
def test_a_file_with_later_events_is_ingested_as_a_file_without_them(
    rows, hour, half_life, duplicates, where
):
    as_of = f"2026-03-01T{hour:02}:00:00Z"
    keys = {
        "columns": {"user": "user", "item": "item", "timestamp": "ts", "type": "kind", "value": "n"},
        "types": {"view": 1.0, "buy": 3.0},
        "half_life": half_life,
        "duplicates": duplicates,
        "where": where,
        "max_bad_fraction": 0.9,
        "as_of": as_of,
    }
    rows = FIRST + rows
    earlier = [row for row in rows if row[2] in ("", "?") or row[2] <= as_of]
    with tempfile.TemporaryDirectory() as folder:
        full, short = (
            outcome(Path(folder) / name, some, keys) for name, some in (("full", rows), ("short", earlier))
        )
    assert full == short
