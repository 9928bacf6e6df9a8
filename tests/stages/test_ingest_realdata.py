"""`als ingest` on real events, compared with counts made with pyarrow, csv and dictionaries."""

import csv
import io
import zipfile
from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet
import pytest

from als_cli.config.root import Config
from als_cli.stages.context import StageContext
from als_cli.stages.ingest import ingest
from als_cli.storage.dataset_files import open_dataset

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
DESKDROP_WEIGHTS = {"VIEW": 1.0, "LIKE": 2.0, "BOOKMARK": 2.5, "FOLLOW": 3.0, "COMMENT CREATED": 4.0}

pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(not DATA.is_dir(), reason="the research data sets are not there"),
]


def ingested(folder, stdin=b"", **events):
    config = Config.model_validate({"workspace": str(folder / "work"), "events": events})
    context = StageContext(config=config, stdin=io.BytesIO(stdin))
    return ingest(context), open_dataset(context.dataset_place)


def strengths(dataset):
    pairs = dataset.interactions.matrix.tocoo()
    users, items = dataset.interactions.user_ids.to_list(), dataset.interactions.item_ids.to_list()
    return {(users[u], items[i]): float(s) for u, i, s in zip(pairs.row, pairs.col, pairs.data, strict=True)}


def retail_rows():
    """Return both years as (customer, item, time in microseconds, quantity), without rows without customer."""
    names = {"2009-2010": "Customer ID", "2010-2011": "CustomerID"}
    for year, customer in names.items():
        table = pyarrow.parquet.read_table(DATA / "online_retail" / f"year_{year}.parquet")
        table = table.filter(pc.is_valid(table[customer]))
        times = table["InvoiceDate"].cast(pa.timestamp("us")).cast(pa.int64())
        yield from zip(
            table[customer].cast(pa.int64()).to_pylist(),
            table["StockCode"].to_pylist(),
            times.to_pylist(),
            table["Quantity"].to_pylist(),
            strict=True,
        )


def test_both_years_of_online_retail_in_one_run(tmp_path):
    folder = DATA / "online_retail"
    common = {"item": "StockCode", "timestamp": "InvoiceDate", "value": "Quantity"}
    report, dataset = ingested(
        tmp_path,
        source=[
            {"path": str(folder / "year_2009-2010.parquet"), "columns": {"user": "Customer ID", **common}},
            {"path": str(folder / "year_2010-2011.parquet"), "columns": {"user": "CustomerID", **common}},
        ],
        duplicates="exact",
        max_bad_fraction=0.3,
    )
    rows = list(retail_rows())
    distinct = set(rows)
    net = defaultdict(int)
    for customer, item, _, quantity in distinct:
        net[customer, item] += quantity
    wanted = {pair: quantity for pair, quantity in net.items() if quantity > 0}

    assert report.rows == 525_461 + 541_909
    assert report.rejected == {"null_user": report.rows - len(rows)}
    assert report.dropped == {"duplicate": len(rows) - len(distinct)}
    assert report.events == len(distinct)
    assert strengths(dataset) == wanted
    assert (report.users, report.items) == (len({u for u, _ in wanted}), len({i for _, i in wanted}))
    assert dataset.interactions.user_ids.dtype == pl.Int64
    newest = max(time for user, item, time, _ in distinct if (user, item) in wanted)
    assert report.last_time == datetime.fromtimestamp(newest / 1e6, tz=UTC)
    rejected = pl.read_parquet(dataset.folder / "rejected.parquet")
    assert Counter(rejected["source"]) == retail_rows_without_customer()
    assert rejected["user"].null_count() == rejected.height


def retail_rows_without_customer():
    names = {"year_2009-2010.parquet": "Customer ID", "year_2010-2011.parquet": "CustomerID"}
    paths = {DATA / "online_retail" / name: column for name, column in names.items()}
    return {
        str(path): pyarrow.parquet.read_table(path, columns=[column])[column].null_count
        for path, column in paths.items()
    }


def test_movielens_100k_without_header(tmp_path):
    report, dataset = ingested(
        tmp_path,
        source=str(DATA / "ml100k" / "u.data"),
        header=False,
        columns={"user": 1, "item": 2, "value": 3, "timestamp": 4},
    )
    lines = [line.split("\t") for line in (DATA / "ml100k" / "u.data").read_text().splitlines()]

    assert (report.rows, report.events, report.rejected) == (100_000, 100_000, {})
    assert (report.users, report.items, report.interactions) == (943, 1682, 100_000)
    assert strengths(dataset) == {(int(u), int(i)): float(r) for u, i, r, _ in lines}
    assert report.first_time == datetime.fromtimestamp(min(int(line[3]) for line in lines), tz=UTC)
    assert report.last_time == datetime.fromtimestamp(max(int(line[3]) for line in lines), tz=UTC)


@pytest.fixture(scope="module")
def deskdrop():
    with zipfile.ZipFile(DATA / "deskdrop" / "users_interactions.csv.zip") as archive:
        return archive.read("users_interactions.csv")


def test_deskdrop_piped_in_with_type_weights(tmp_path, deskdrop):
    weights = {name: weight for name, weight in DESKDROP_WEIGHTS.items() if name != "FOLLOW"}
    report, dataset = ingested(
        tmp_path,
        stdin=deskdrop,
        source="-",
        columns={"user": "personId", "item": "contentId", "timestamp": "timestamp", "type": "eventType"},
        types=weights,
    )
    rows = list(csv.DictReader(io.StringIO(deskdrop.decode("utf-8"), newline="")))
    found = Counter(row["eventType"] for row in rows)
    wanted = Counter()
    for row in rows:
        if row["eventType"] in weights:
            wanted[int(row["personId"]), int(row["contentId"])] += weights[row["eventType"]]

    assert report.rows == len(rows) == 72_312
    assert report.dropped == {"unlisted_type": found["FOLLOW"]}
    assert report.rejected == {}
    assert strengths(dataset) == wanted
    assert {kind.type: (kind.weight, kind.rows) for kind in report.types} == {
        name: (weights.get(name), count) for name, count in found.items()
    }
    assert report.last_time == datetime.fromtimestamp(
        max(int(row["timestamp"]) for row in rows if row["eventType"] in weights), tz=UTC
    )


def test_deskdrop_decays_towards_the_newest_event(tmp_path, deskdrop):
    _, dataset = ingested(
        tmp_path,
        stdin=deskdrop,
        source="-",
        columns={"user": "personId", "item": "contentId", "timestamp": "timestamp", "type": "eventType"},
        types=DESKDROP_WEIGHTS,
        half_life="30d",
    )
    rows = list(csv.DictReader(io.StringIO(deskdrop.decode("utf-8"), newline="")))
    newest = max(int(row["timestamp"]) for row in rows)
    wanted = defaultdict(float)
    for row in rows:
        age = (newest - int(row["timestamp"])) / (30 * 86_400)
        wanted[int(row["personId"]), int(row["contentId"])] += DESKDROP_WEIGHTS[row["eventType"]] * 0.5**age

    assert strengths(dataset) == pytest.approx(wanted, rel=1e-6)
