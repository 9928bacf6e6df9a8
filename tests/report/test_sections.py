"""Sections `data`, `lists` and `users`: their figures against the raw tables."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from als_cli.dataset.description import concentration, fraction_of_top
from als_cli.report.content import report_content
from als_cli.report.sections.users import sampled_users
from als_cli.report.text import count, readable
from als_cli.stages.report import artifacts_of
from tests.in_process import done
from tests.report.hostile import HOSTILE
from tests.report.shops import TITLE, context_of, write_hostile_shop
from tests.stages.builders import interactions_of

COUNTS = st.lists(st.integers(1, 1000), min_size=1, max_size=200)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Return the folder of a shop with two published versions of lists and evaluations."""
    folder = tmp_path_factory.mktemp("shop")
    config = write_hostile_shop(folder)
    done("run", "-c", config)
    changed = json.loads(config.read_text(encoding="utf-8"))
    changed["train"]["iterations"] = 1
    config.write_text(json.dumps(changed), encoding="utf-8")
    done("run", "-c", config)
    return folder


@pytest.fixture(scope="module")
def content(shop):
    return report_content(artifacts_of(context_of(shop / "shop.yaml")), "shop")


def value_of(facts, name):
    return next(fact.value for fact in facts if fact.name == name)


@given(COUNTS)
def test_concentration_rises_from_zero_to_one(counts):
    points = concentration(np.array(counts))
    assert (points[0], points[-1]) == ((0.0, 0.0), (1.0, 1.0))
    assert points == sorted(points)
    assert all(y >= x - 1e-9 for x, y in points)  # largest first


@given(COUNTS, st.sampled_from([0.01, 0.1, 0.5, 1.0]))
def test_the_fraction_of_the_top(counts, fraction):
    top = sorted(counts, reverse=True)[: max(1, round(fraction * len(counts)))]
    assert fraction_of_top(np.array(counts), fraction) == pytest.approx(sum(top) / sum(counts))


def test_facts_of_the_data(shop, content):
    events = pl.read_parquet(shop / "work" / "dataset" / "events.parquet")
    assert value_of(content.data.facts, "Events") == count(events.height)
    assert value_of(content.data.facts, "Users") == count(events["user_id"].n_unique())
    assert value_of(content.data.facts, "Items") == count(events["item_id"].n_unique())
    assert content.data.newest == events["timestamp"].max()
    assert content.data.read_at == datetime(2026, 2, 20, tzinfo=UTC)


def events_of(value):
    return value["top"] - value["bottom"]


def test_the_timeline_counts_every_event_once(shop, content):
    events = pl.read_parquet(shop / "work" / "dataset" / "events.parquet")
    values = content.data.timeline.spec["data"]["values"]
    assert sum(map(events_of, values)) == events.height
    day = pl.col("timestamp").dt.date().alias("day")
    order = pl.when(pl.col("type") == "view").then(0).otherwise(1)  # most events are views
    expected = events.group_by(day, "type").len().sort("day", order)
    assert list(map(events_of, values)) == expected["len"].to_list()
    assert [value["series"] for value in values] == expected["type"].to_list()
    starts = [datetime.fromisoformat(value["start"]) for value in values]
    assert [one.date() for one in starts] == expected["day"].to_list()
    assert [
        datetime.fromisoformat(value["end"]) - start for value, start in zip(values, starts, strict=True)
    ] == [timedelta(days=1)] * len(values)


def test_the_busiest_day_has_most_events_of_all_types(shop, content):
    events = pl.read_parquet(shop / "work" / "dataset" / "events.parquet")
    days = events.group_by(pl.col("timestamp").dt.date().alias("day")).len()
    busiest = days.filter(pl.col("len") == pl.col("len").max())["day"].to_list()
    assert any(f"The busiest day begins on {day}." in content.data.timeline.summary for day in busiest)


def test_types_of_a_period_are_on_top_of_each_other(content):
    bottoms = {}
    for value in content.data.timeline.spec["data"]["values"]:
        assert value["bottom"] == bottoms.get(value["start"], 0)
        bottoms[value["start"]] = value["top"]


def test_the_timeline_shows_types_if_events_have_them(shop, content, monkeypatch):
    from als_cli.report.sections import data
    from als_cli.storage.dataset_files import StoredDataset

    artifacts = artifacts_of(context_of(shop / "shop.yaml"))
    events = artifacts.dataset.scan_events()
    names = pl.Series([*HOSTILE[:9], None])
    typed = events.with_row_index("row").with_columns(
        pl.col("row").map_elements(lambda row: names[row % 10], pl.String).alias("type")
    )
    monkeypatch.setattr(StoredDataset, "scan_events", lambda _self: typed)
    values = data.data_section(artifacts.dataset).timeline.spec["data"]["values"]
    assert sum(map(events_of, values)) == sum(map(events_of, content.data.timeline.spec["data"]["values"]))
    assert len({value["series"] for value in values}) == 8
    assert "other" in {value["series"] for value in values}


def test_histories_count_every_user_once(shop, content):
    users = pl.read_parquet(shop / "work" / "dataset" / "users.parquet")
    values = content.data.histories.spec["data"]["values"]
    assert sum(value["value"] for value in values) == users.height


def test_rejected_rows_have_a_reason_and_a_readable_example(content):
    [row] = content.data.left_out.rows
    assert row[:2] == ("rejected", "the timestamp cannot be read, or is before the year 1000")
    assert readable(HOSTILE[2], 24) in row[2]
    assert row[3] == "1"


def test_coverage_and_most_listed_items(shop, content):
    lists = pl.read_parquet(shop / "lists.parquet")
    model_items = pl.read_ipc(shop / "work" / "models" / "item_factors.arrow").height
    assert content.lists.coverage == lists["item_id"].n_unique() / model_items
    top = lists.group_by("item_id").len().sort("len", "item_id", descending=[True, False]).row(0)
    title = TITLE.get(top[0], top[0])
    assert content.lists.most_listed.rows[0][:2] == (readable(title), count(top[1]))
    assert content.lists.most_common == top[1] / lists["user_id"].n_unique()


def test_rules_and_churn(shop, content):
    assert [row[0] for row in content.lists.rules.rows] == ["limit category"]
    versions = sorted((shop / ".lists.parquet.versions").glob("2*/lists.parquet"))
    old, new = (pl.read_parquet(path).group_by("user_id").agg("item_id") for path in versions)
    both = old.join(new, on="user_id")
    changed = both.filter(pl.col("item_id") != pl.col("item_id_right")).height
    assert content.lists.changed_fraction == pytest.approx(changed / old.height)
    assert len(content.lists.moved.rows) >= 1


def test_headings_of_metrics_do_not_repeat_the_length_of_the_lists(content):
    titles = [column.title for column in content.quality.figures.columns]
    assert titles[:5] == ["method", "NDCG", "recall", "precision", "hit rate"]
    assert content.quality.figures.caption == "Metrics of lists of 5"


def test_earlier_evaluations_are_beside_the_newest(shop, content):
    stored = [
        json.loads(path.read_text(encoding="utf-8"))["metrics"]["methods"]["als"]["ndcg@5"]
        for path in sorted((shop / "work" / ".evaluations.versions").glob("2*/manifest.json"), reverse=True)
    ]
    assert [row[2] for row in content.history.table.rows] == [f"{value:.4f}" for value in stored]
    assert content.history.chart is not None
    assert "on the same dataset" in content.history.change


def test_users_have_their_published_list(shop, content):
    lists = pl.read_parquet(shop / "lists.parquet").sort("user_id", "rank")
    assert content.users.published
    assert len(content.users.cards) == 12
    plain = [card for card in content.users.cards if card.user_id.startswith("user-")]
    assert len(plain) > 5
    for card in plain:
        rows = lists.filter(pl.col("user_id") == card.user_id)
        assert [row.item_id for row in card.recommended] == [readable(item) for item in rows["item_id"]]
        assert [row.rank for row in card.recommended] == [str(rank) for rank in rows["rank"]]
        assert any(row.reasons for row in card.recommended)


def test_reasons_are_items_of_the_history(shop, content):
    matrix = pl.read_parquet(shop / "work" / "dataset" / "events.parquet")
    for card in content.users.cards:
        history = matrix.filter(pl.col("user_id") == card.user_id)["item_id"].unique().to_list()
        if not history:  # a hostile id is shown in another form
            continue
        titles = {readable(TITLE.get(item, item)) for item in history}
        assert {title for row in card.recommended for title, _ in row.reasons} <= titles
        assert len(card.history) + card.older == len(history)


def test_reasons_are_those_of_als_show(shop, content):
    card = next(card for card in content.users.cards if card.user_id.startswith("user-"))
    shown = done("show", "user", card.user_id, "-c", shop / "shop.yaml")
    for row, slot in zip(card.recommended, shown["recommended"], strict=True):
        assert row.title == readable(slot["title"] or slot["item_id"])
        reasons = [one for one in slot["because"] if one["share"] >= 0.01]
        assert [title for title, _ in row.reasons] == [
            readable(one["title"] or one["item_id"]) for one in reasons
        ]


def test_sampled_users_are_of_all_sizes():
    pairs = [(f"u{user:03}", f"i{item}") for user in range(100) for item in range(1 + user // 10)]
    interactions = interactions_of(pairs)
    found = sampled_users(interactions, pl.DataFrame(), 10).to_list()
    assert len(found) == 10
    assert (found[0], found[-1]) == ("u000", "u099")
    assert found == sorted(found)
    assert sampled_users(interactions, pl.DataFrame(), 0).is_empty()
    assert len(sampled_users(interactions, pl.DataFrame(), 1000)) == 100


def test_every_source_has_a_user():
    interactions = interactions_of([(f"u{user:03}", "i") for user in range(100)])
    first = pl.DataFrame(
        {
            "user_id": [f"u{user:03}" for user in range(101)],
            "source": ["als"] * 98 + ["fold_in", "fold_in", "popular"],
        }
    )
    found = sampled_users(interactions, first, 6).to_list()
    assert {"u000", "u098", "u100"} <= set(found)
    assert len(found) <= 6


def test_the_summary_names_what_needs_attention(shop, content):
    texts = [check.text for check in content.checks]
    assert any("older" in text or "old when" in text for text in texts) == (
        content.data.age_seconds > 7 * 86_400
    )
    assert not any("earlier" in text for text in texts)
    done("train", "-c", shop / "shop.yaml", "--set", "train.iterations=2")
    later = report_content(artifacts_of(context_of(shop / "shop.yaml")), "shop")
    assert any("The lists were made with an earlier model" in check.text for check in later.checks)
