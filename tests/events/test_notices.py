"""Valid events that are often a mistake are warned of, and the suggested keys work."""

import re
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from als_cli.config.yaml_text import parse_yaml
from als_cli.events.notices import condition_on, looks_like_ratings
from als_cli.stages.ingest import ingest
from tests.stages.ingesting import context_of, ingested

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def warnings_of(caplog):
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]


def suggested(message, key):
    """Return the value that a message suggests for a key, parsed as YAML."""
    return re.search(rf"{re.escape(key)}: (.+?)(?:;| with larger|$)", message)[1]


def test_files_without_rows_are_named(tmp_path, caplog):
    for day in range(1, 6):
        rows = "" if day in (2, 4) else f"u{day},a\nu{day + 1},b\n"
        (tmp_path / f"day{day}.csv").write_text("user_id,item_id\n" + rows, encoding="utf-8")

    ingest(context_of(tmp_path, {"source": str(tmp_path / "day*.csv")}))

    (message,) = warnings_of(caplog)
    assert message == f"2 of 5 event files have no rows: {tmp_path / 'day2.csv'}, {tmp_path / 'day4.csv'}"


KINDS = "user_id,item_id,kind\n" + "u1,a,view\nu2,b,view\nu2,a,add to cart\nu1,b,no\n"


def test_types_without_weights_are_named_and_the_suggested_weights_work(tmp_path, caplog):
    ingested(tmp_path, KINDS, columns={"type": "kind"})

    (message,) = warnings_of(caplog)
    assert (
        "events.columns.type: all 3 types of events have the same weight: view (2 rows), add to cart (1 row)"
        in message
    )
    types = parse_yaml(suggested(message, "events.types"), "message").tree
    assert types == {"view": 1, "add to cart": 1, "no": 1}
    caplog.clear()
    report, _ = ingested(
        tmp_path, KINDS, columns={"type": "kind"}, types={k: float(w) for k, w in types.items()}
    )
    assert warnings_of(caplog) == []
    assert report.events == 4


@pytest.mark.parametrize(
    "keys", [{"columns": {"type": "kind"}, "where": "kind = 'view'"}, {}], ids=["one_type", "not_mapped"]
)
def test_one_type_and_no_type_column_need_no_weights(tmp_path, caplog, keys):
    ingested(tmp_path, KINDS, **keys)

    assert warnings_of(caplog) == []


def ratings(rng, rows=400, shares=(0.06, 0.11, 0.27, 0.34, 0.22)):
    return rng.choice(np.arange(1, len(shares) + 1), rows, p=shares)


def table(values, name):
    rng = np.random.default_rng(1)
    users, items = rng.integers(0, 40, len(values)), rng.integers(0, 30, len(values))
    return pl.DataFrame({"user_id": users, "item_id": items, name: values})


@pytest.mark.parametrize(
    ("name", "as_text"),
    [("rating", True), ("Star Rating", True), ("n", False), ('odd "name"', False), ("it's", True)],
)
def test_low_ratings_are_counted_and_the_suggested_condition_drops_them(tmp_path, caplog, name, as_text):
    frame = table(ratings(np.random.default_rng(0)), name)
    content, file = (frame.write_csv(), "e.csv") if as_text else (frame, "e.parquet")

    ingested(tmp_path, content, name=file, columns={"value": name})

    (message,) = warnings_of(caplog)
    low = (frame[name] < 4).sum()
    assert f"looks like ratings from 1 to 5; the {low} ratings below 4 count as weak interest" in message
    assert "negative weight in events.types" in message
    where = parse_yaml(f"where: {suggested(message, 'events.where')}", "message").tree["where"]
    caplog.clear()
    report, _ = ingested(tmp_path, content, name=file, columns={"value": name}, where=where)
    assert warnings_of(caplog) == []
    assert report.dropped == {"where": low}


def test_low_ratings_can_be_negative_types(tmp_path, caplog):
    frame = table(ratings(np.random.default_rng(0)), "rating")
    types = {"1": -1.0, "2": -0.5, "3": 0.0, "4": 1.0, "5": 2.0}

    ingested(tmp_path, frame.write_csv(), columns={"type": "rating"}, types=types)

    assert warnings_of(caplog) == []


def test_the_suggestion_extends_an_existing_condition(tmp_path, caplog):
    frame = table(ratings(np.random.default_rng(0)), "rating")

    ingested(tmp_path, frame.write_csv(), columns={"value": "rating"}, where="item_id > 1")

    assert "add to events.where: rating >= 4" in warnings_of(caplog)[0]


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("overall", {1.0: 9, 3.0: 2, 5.0: 60}, True),  # a name of ratings needs no typical distribution
        ("score", {0.0: 5, 7.0: 20, 10.0: 30}, True),
        ("rating", {1.0: 5, 5.0: 7}, False),  # two values are not a scale
        ("rating", {1.0: 5, 3.0: 7, 5.0: 7, None: 9}, False),  # too many other values
        ("3", {1.0: 6, 2.0: 11, 3.0: 27, 4.0: 34, 5.0: 22}, True),
        ("3", {value / 2: 10 + value for value in range(1, 11)}, True),
        ("n", {float(value): 10 * value for value in range(1, 11)}, True),
        ("n", {1.0: 3, 2.0: 1, 3.0: 4, 4.0: 5, 5.0: 3}, False),  # too few rows
        ("n", {1.0: 60, 2.0: 30, 3.0: 8, 4.0: 3, 5.0: 1}, False),  # quantities
        ("n", {1.0: 20, 2.0: 30, 3.0: 25, 4.0: 15, 5.0: 11}, False),
        ("n", {1.0: 20, 3.0: 20, 5.0: 90}, False),  # 2 and 4 are missing
        ("n", {float(value): 10 for value in range(1, 9)}, False),  # 8 is not the end of a scale
        ("n", {0.0: 30, 1.0: 10, 2.0: 10, 3.0: 20, 4.0: 40, 5.0: 90}, False),
        ("n", {}, False),
    ],
)
def test_ratings_are_distinguished_from_quantities(name, values, expected):
    assert looks_like_ratings(name, values) is expected


def test_quantities_of_a_shop_are_not_ratings(tmp_path, caplog):
    values = 1 + np.random.default_rng(0).geometric(0.5, 2000).clip(0, 4)

    ingested(tmp_path, table(values, "quantity"), name="e.parquet", columns={"value": "quantity"})

    assert warnings_of(caplog) == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("rating", "rating >= 4"),
        ("Rating", "Rating >= 4"),
        ("3", "'\"3\" >= 4'"),
        ("a b", "'\"a b\" >= 4'"),
        ("it's", "'\"it''s\" >= 4'"),
    ],
)
def test_suggested_conditions_quote_names_where_needed(name, expected):
    assert condition_on(name, ">= 4") == expected


REAL = {
    "ml100k": (
        ["u.data"],
        {"header": False, "columns": {"user": 1, "item": 2, "value": 3}},
        ["'3' looks like ratings from 1 to 5; the 44625 ratings below 4"],
    ),
    "online_retail": (
        ["year_2010-2011.parquet"],
        {
            "columns": {"user": "CustomerID", "item": "StockCode", "value": "Quantity"},
            "max_bad_fraction": 0.3,
        },
        [],
    ),
    "deskdrop": (
        ["users_interactions.csv"],
        {"columns": {"user": "personId", "item": "contentId", "type": "eventType"}},
        ["all 5 types of events have the same weight: VIEW (61,086 rows), LIKE (5,745 rows)"],
    ),
    "gowalla": (["train.parquet"], {"columns": {}}, []),
    "ml1m_ncf": (["train.parquet"], {"columns": {}}, []),
}


@pytest.mark.realdata
@pytest.mark.parametrize("name", REAL)
def test_warnings_of_public_data_sets(tmp_path, caplog, name):
    if not (DATA / name).is_dir():
        pytest.skip(f"the public data set {name} is not beside the checkout")
    (file,), keys, expected = REAL[name]
    source = DATA / name / file
    if not source.exists():
        with zipfile.ZipFile(DATA / name / f"{file}.zip") as archive:
            source = Path(archive.extract(file, tmp_path))

    ingest(context_of(tmp_path, {"source": str(source)} | keys))

    messages = warnings_of(caplog)
    assert len(messages) == len(expected)
    for message, piece in zip(messages, expected, strict=True):
        assert piece in message
