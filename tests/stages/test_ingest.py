"""`als ingest` on small files, row by row."""

import hashlib
import io
import json
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from als_cli.console.views.ingest import render_ingest
from als_cli.errors import ConfigError, DataError
from als_cli.events.checks import CLEAN_EVENT_COLUMNS
from als_cli.stages.ingest import ingest, ingest_key
from als_cli.storage.dataset_files import open_dataset
from tests.stages.ingesting import context_of, ingested, strengths

DAY = datetime(2025, 3, 1, tzinfo=UTC)
FOUR = "user_id,item_id\nu1,a\nu2,b\nu2,a\nu1,b\n"


def rejected(dataset):
    return pl.read_parquet(dataset.folder / "rejected.parquet")


def test_events_become_strengths_with_weights_values_and_transform(tmp_path):
    rows = [("u1", "a", "view", 1), ("u1", "a", "buy", 3), ("u2", "b", "buy", 50), ("u2", "a", "view", 1)]
    text = "who,what,kind,n\n" + "".join(",".join(map(str, row)) + "\n" for row in rows)

    report, dataset = ingested(
        tmp_path,
        text,
        columns={"user": "who", "item": "what", "type": "kind", "value": "n"},
        types={"view": 1.0, "buy": 5.0},
        value_transform="log1p",
        value_cap=10.0,
    )

    assert strengths(dataset) == pytest.approx(
        {
            ("u1", "a"): np.log1p(1) + 5 * np.log1p(3),
            ("u2", "b"): 5 * np.log1p(10),
            ("u2", "a"): np.log1p(1),
        },
        rel=1e-6,
    )
    assert [(kind.type, kind.weight, kind.rows) for kind in report.types] == [
        ("buy", 5.0, 2),
        ("view", 1.0, 2),
    ]
    assert (report.users, report.items, report.interactions, report.rows) == (2, 2, 3, 4)
    assert report.density == 0.75


def test_clean_events_keep_the_order_of_the_input_and_the_raw_value(tmp_path):
    _, dataset = ingested(
        tmp_path,
        "user_id,item_id,ts,n\nu2,b,2025-03-01,-2\nu1,a,2025-03-02,1.5\nu2,b,2025-03-03,4\nu2,a,2025-03-03,0\n",
        columns={"timestamp": "ts", "value": "n"},
        value_transform="log1p",
    )
    events = dataset.scan_events().collect()

    assert tuple(events.columns) == CLEAN_EVENT_COLUMNS
    assert events.dtypes == [pl.String, pl.String, pl.Datetime("us", "UTC"), pl.Float64, pl.Float64]
    assert events["user_id"].to_list() == ["u2", "u1", "u2", "u2"]
    assert events["value"].to_list() == [-2, 1.5, 4, 0]
    assert events["weight"].to_list() == pytest.approx([-np.log1p(2), np.log1p(1.5), np.log1p(4), 0])
    assert events["timestamp"].to_list() == [DAY + timedelta(days=k) for k in (0, 1, 2, 2)]


BAD = """user_id,item_id,ts,kind,n
u1,a,2025-03-01,view,1
u2,b,2025-03-01,view,1
,a,2025-03-01,view,1
"  ",,2025-03-01,view,1
u1,,2025-03-01,view,1
u1,a,,view,1
u1,a,01.03.2025,view,1
u1,a,2999-01-01,view,1
u1,a,2025-03-01,,1
u1,a,2025-03-01,like,1
u1,a,2025-03-01,view,
u1,a,2025-03-01,view,many
u1,a,2025-03-01,view,nan
u1,a,2025-03-01,view,-inf
u1,a,2025-03-01,view,-3
"""


def test_bad_rows_are_rejected_with_their_first_reason(tmp_path):
    report, dataset = ingested(
        tmp_path,
        BAD,
        columns={"timestamp": "ts", "type": "kind", "value": "n"},
        types={"view": 1.0},
        unlisted_types="reject",
        negative="reject",
        max_bad_fraction=0.9,
    )
    table = rejected(dataset)

    assert table.columns == ["source", "row", "reason", "user", "item", "timestamp", "type", "value"]
    assert table.select("row", "reason").rows() == [
        (3, "null_user"),
        (4, "null_user"),
        (5, "null_item"),
        (6, "null_time"),
        (7, "unreadable_time"),
        (8, "future_time"),
        (9, "null_type"),
        (10, "unknown_type"),
        (11, "null_value"),
        (12, "unreadable_value"),
        (13, "nonfinite_value"),
        (14, "nonfinite_value"),
        (15, "negative_value"),
    ]
    assert set(table["source"]) == {str(tmp_path / "events.csv")}
    assert table.row(4)[3:] == ("u1", "a", "01.03.2025", "view", "1")
    assert report.events == 2
    assert sum(report.rejected.values()) == 13
    assert report.rejected["nonfinite_value"] == dataset.manifest.counts["rejected_nonfinite_value"] == 2
    assert strengths(dataset) == {("u1", "a"): 1.0, ("u2", "b"): 1.0}


def test_rows_dropped_on_purpose_are_counted_and_not_bad(tmp_path):
    report, dataset = ingested(
        tmp_path,
        BAD.replace("u1,a,2025-03-01,like,1", "u1,a,2025-03-01,like,1\nu9,z,2025-03-01,LIKE,-1"),
        columns={"type": "kind", "value": "n"},
        types={"view": 1.0},
        negative="drop",
        where="ts <> '2999-01-01'",
        max_bad_fraction=0.7,
    )

    # No timestamp column is set. An empty `ts` does not satisfy the condition, nor does the future date.
    assert report.dropped == {"where": 2, "unlisted_type": 2, "negative": 1}
    assert report.rows == 16
    assert report.events + sum(report.dropped.values()) + sum(report.rejected.values()) == 16
    assert "u9" not in dataset.interactions.user_ids


def test_the_bad_fraction_counts_only_rows_of_listed_types(tmp_path):
    text = "user_id,item_id,kind\nu1,a,view\nu2,b,view\n,a,view\n" + "u3,c,noise\n" * 97
    keys = {"columns": {"type": "kind"}, "types": {"view": 1.0}}

    with pytest.raises(DataError, match=r"1 of 3 rows are bad \(33.3%\)"):
        ingested(tmp_path, text, **keys)
    report, _ = ingested(tmp_path, text, **keys, max_bad_fraction=0.34)

    assert report.rejected == {"null_user": 1}


def test_exact_duplicates_are_equal_in_every_mapped_column(tmp_path):
    text = (
        "user_id,item_id,ts,kind,other\nu1,a,1740787200,view,1\nu1,a,1740787200,view,2\n"
        "u1,a,1740787200,cart,1\nu1,a,1740787201,view,1\nu2,b,1740787200,view,1\n"
    )
    keys = {"columns": {"timestamp": "ts", "type": "kind"}, "types": {"view": 1.0, "cart": 1.0}}

    report, dataset = ingested(tmp_path, text, **keys, duplicates="exact")

    assert strengths(dataset) == {("u1", "a"): 3.0, ("u2", "b"): 1.0}
    assert report.dropped == {"duplicate": 1}
    assert report.events == 4


def test_rows_are_numbered_per_file(tmp_path):
    for day in (1, 2):
        (tmp_path / f"day{day}.csv").write_text(
            f"user_id,item_id\nu{day},a\n,b\nu{day},b\n", encoding="utf-8"
        )
    context = context_of(tmp_path, {"source": str(tmp_path / "day*.csv"), "max_bad_fraction": 0.5})
    ingest(context)
    table = rejected(open_dataset(context.dataset_place))

    assert table.select("source", "row").rows() == [(str(tmp_path / f"day{day}.csv"), 2) for day in (1, 2)]


def test_minimums_are_applied(tmp_path):
    report, dataset = ingested(
        tmp_path, FOUR + "u3,a\nu3,c\nu4,c\n", min_user_interactions=2, min_item_interactions=2
    )

    # u4 is removed first. Then c has one user left, and then u3 has one item left.
    assert dataset.interactions.user_ids.to_list() == ["u1", "u2"]
    assert dataset.interactions.item_ids.to_list() == ["a", "b"]
    assert report.interactions == 4


def dataset_bytes(context):
    folder = context.dataset_place.resolve()
    return {
        p.name: hashlib.sha256(p.read_bytes()).hexdigest()
        for p in folder.iterdir()
        if p.name not in ("manifest.json", ".published", ".before")
    }


def test_the_same_input_gives_the_same_bytes_and_key(tmp_path):
    rng = np.random.default_rng(3)
    rows = zip(rng.integers(0, 200, 5000), rng.integers(0, 50, 5000), rng.random(5000), strict=True)
    (tmp_path / "e.csv").write_text(
        "user_id,item_id,n\n" + "".join(f"u{u},{i},{n:.3f}\n" for u, i, n in rows), encoding="utf-8"
    )
    events = {"source": str(tmp_path / "e.csv"), "columns": {"value": "n"}}
    first, second = context_of(tmp_path / "1", events), context_of(tmp_path / "2", events)
    ingest(first)
    ingest(second)

    assert dataset_bytes(first) == dataset_bytes(second)
    assert set(dataset_bytes(first)) == {
        "events.parquet",
        "items.parquet",
        "matrix_indices.npy",
        "matrix_indptr.npy",
        "matrix_strength.npy",
        "rejected.parquet",
        "users.parquet",
    }
    one, two = (open_dataset(c.dataset_place).manifest for c in (first, second))
    assert one.content == two.content
    assert one.key == two.key == ingest_key(first)


def test_the_key_depends_on_content_and_config_but_not_on_paths(tmp_path):
    path, moved = tmp_path / "e.csv", tmp_path / "moved.csv"
    for file in (path, moved):
        file.write_text(FOUR, encoding="utf-8")
    key = ingest_key(context_of(tmp_path, {"source": str(path)}))

    assert ingest_key(context_of(tmp_path, {"source": str(moved)})) == key
    assert ingest_key(context_of(tmp_path, {"source": str(path), "value_cap": 3.0})) != key
    assert ingest_key(context_of(tmp_path, {"source": str(path), "columns": {"user": 2, "item": 1}})) != key
    path.write_text(FOUR + "u3,a\n", encoding="utf-8")
    assert ingest_key(context_of(tmp_path, {"source": str(path)})) != key


def test_stdin_is_ingested_and_has_no_key(tmp_path):
    context = context_of(tmp_path, {"source": "-"}, stdin=FOUR.encode())

    assert ingest_key(context) is None
    assert ingest(context).rows == 4
    manifest = open_dataset(context.dataset_place).manifest
    assert [(file.path, file.bytes, file.rows) for file in manifest.inputs] == [("-", len(FOUR), 4)]
    assert manifest.inputs[0].sha256 == hashlib.sha256(FOUR.encode()).hexdigest()


def test_the_dataset_has_no_temporary_files(tmp_path):
    context = context_of(tmp_path, {"source": "-", "encoding": "utf-16"}, stdin=FOUR.encode("utf-16"))
    ingest(context)
    folders = [p for p in context.dataset_place.rglob("*") if p.is_dir() and not p.is_symlink()]

    assert folders == []


def test_decay_needs_a_timestamp(tmp_path):
    for key, value in (("half_life", "30d"), ("duplicates", "last")):
        with pytest.raises(ConfigError, match=f"events.{key}") as caught:
            ingested(tmp_path, FOUR, **{key: value})
        assert "events.columns.timestamp" in caught.value.hint


def test_the_report_is_json_and_fits_a_terminal(tmp_path):
    from rich.console import Console

    report, _ = ingested(
        tmp_path,
        BAD + "u1,b,2025-03-02,view,2\nu3,a,2025-03-02,view,4\n",
        columns={"timestamp": "ts", "type": "kind", "value": "n"},
        types={"view": 1.0},
        max_bad_fraction=0.9,
    )
    console = Console(width=80, file=io.StringIO())
    console.print(render_ingest(report))
    shown = console.file.getvalue()

    assert json.loads(report.model_dump_json())["rejected"] == report.rejected
    assert max(map(len, shown.splitlines())) <= 80
    for piece in (
        "rejected: future_time",
        "of a type that events.types does not list",
        "3 users x 2 items",
        "view",
    ):
        assert piece in shown
