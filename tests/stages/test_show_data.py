"""`als show data`: its figures are those of the events, and its tables fit the terminal."""

import numpy as np
import polars as pl
import pytest

from tests.in_process import als_here, done

TYPES = "{view: 1, buy: 2}"


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    random = np.random.default_rng(3)
    days = pl.Series(["2025-01-01"] * 200 + ["2025-01-02"] * 100 + ["2025-01-05"] * 50)
    events = pl.DataFrame(
        {
            "user_id": random.integers(0, 30, 350),
            "item_id": (random.pareto(1, 350) * 3).astype(int) % 20,
            "at": days,
            "kind": np.where(random.random(350) < 0.8, "view", "buy"),
        }
    )
    bad = pl.DataFrame({"user_id": [None], "item_id": [1], "at": ["2025-01-01"], "kind": ["view"]})
    pl.concat([events, bad.cast(events.schema)]).write_csv(folder / "events.csv")
    config = folder / "shop.yaml"
    columns = "{user: user_id, item: item_id, timestamp: at, type: kind}"
    config.write_text(f"events: {{source: events.csv, columns: {columns}, types: {TYPES}}}\n")
    done("ingest", "-c", config)
    return config, events


def test_the_figures_are_those_of_the_events(shop):
    config, events = shop
    report = done("show", "data", "-c", config)
    pairs = events.select("user_id", "item_id").unique()
    assert (report["rows"], report["events"], report["pairs"]) == (351, 350, pairs.height)
    assert report["rejected"] == {"null_user": 1}
    per_item = pairs["item_id"].value_counts(sort=True)["count"]
    assert report["items"]["count"] == len(per_item)
    assert report["items"]["quantiles"]["1"] == per_item[0]
    top = max(1, round(0.1 * len(per_item)))
    assert report["items"]["fraction_of_top"]["0.1"] == pytest.approx(per_item[:top].sum() / pairs.height)
    by_day = {one["start"][:10]: one for one in report["timeline"] if one["events"]}
    days = {}
    for one in report["timeline"]:
        days[one["start"][:10]] = days.get(one["start"][:10], 0) + one["events"]
    assert days == {"2025-01-01": 200, "2025-01-02": 100, "2025-01-05": 50}
    assert sum(sum(one["types"].values()) for one in report["timeline"]) == 350
    assert set(by_day["2025-01-01"]["types"]) == {"view", "buy"}


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_tables_fit_the_terminal(shop, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    printed = als_here("show", "data", "-c", shop[0]).stdout
    assert max(map(len, printed.splitlines())) <= width
    assert "no user id" in printed
    assert "Events per" in printed
    assert "newest event" in printed


def test_events_without_times_have_no_timeline(tmp_path):
    (tmp_path / "events.csv").write_text(
        "user_id,item_id\n" + "".join(f"{k % 5},{k % 7}\n" for k in range(35))
    )
    config = tmp_path / "shop.yaml"
    config.write_text("events: {source: events.csv}\n")
    done("ingest", "-c", config)
    report = done("show", "data", "-c", config)
    assert (report["period"], report["timeline"]) == (None, [])
    assert "no timestamps" in als_here("show", "data", "-c", config).stdout


def test_without_a_dataset_there_is_one_error(tmp_path):
    config = tmp_path / "shop.yaml"
    config.write_text("events: {source: events.csv}\n")
    ended = als_here("show", "data", "-c", config)
    assert ended.returncode == 4
    assert "no dataset" in ended.stderr
