"""`show`: reports about a model, a user and an item."""

import io
from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from rich.console import Console

from als_cli.als.engine import Factors
from als_cli.console.views.show import render_item, render_model, render_user
from als_cli.errors import ArtifactError, DataError
from als_cli.stages.recommend import recommend
from als_cli.stages.show import show_item, show_model, show_user
from tests.manifests import accept_files
from tests.stages.builders import NEWEST, context_for, interactions_of, publish_dataset, publish_model

PAIRS = [
    ("ann", "tea"),
    ("ann", "cup"),
    ("bob", "tea"),
    ("bob", "pot"),
    ("cid", "tea"),
    ("cid", "cup"),
    ("dot", "jug"),
]
TITLES = {
    "tea": "Green Tea from the Slopes of Some Far and Very High Mountain",
    "cup": "Cup",
    "pot": "Pot",
    "jug": "Jug",
}


@pytest.fixture
def context(tmp_path):
    pl.DataFrame({"item_id": list(TITLES), "title": list(TITLES.values())}).write_csv(tmp_path / "items.csv")
    context = context_for(tmp_path, {"top_n": 3, "items": {"catalog": str(tmp_path / "items.csv")}})
    interactions = interactions_of(PAIRS, strengths=[5, 1, 1, 1, 1, 1, 1])
    publish_dataset(context, interactions)
    users = np.ones((4, 2), np.float32)
    items = np.array([[4, 0], [3, 3], [2, 1], [0, 1]], np.float32)  # cup, jug, pot, tea
    publish_model(context, interactions, Factors(users, items))
    return context


def text_of(renderable, width=80):
    console = Console(file=io.StringIO(), width=width)
    console.print(renderable)
    return console.file.getvalue()


class TestUser:
    def test_history_and_list(self, context):
        report = show_user(context, "ann")
        assert [(item.item_id, item.strength) for item in report.history] == [("tea", 5), ("cup", 1)]
        assert report.history[0].title == TITLES["tea"]
        assert report.history[0].last_time == NEWEST
        assert [(item.rank, item.item_id, item.title, item.score) for item in report.recommended] == [
            (1, "jug", "Jug", 6), (2, "pot", "Pot", 3),
        ]  # fmt: skip
        assert (report.source, report.wanted) == ("als", 3)

    def test_history_is_newest_first(self, context):
        ages = [timedelta(days=90), timedelta(days=1), *[timedelta()] * 5]
        publish_dataset(context, interactions_of(PAIRS, ages=ages))
        (context.dataset_place / "events.parquet").write_bytes(b"not needed")
        accept_files(context.dataset_place)
        history = show_user(context, "ann").history
        assert [item.item_id for item in history] == ["cup", "tea"]
        assert [NEWEST - item.last_time for item in history] == [ages[1], ages[0]]

    def test_history_is_newest_first_if_an_event_has_no_timestamp(self, tmp_path, context):
        publish_dataset(context, replace(interactions_of(PAIRS), times=None))
        dataset = context.dataset_place / "events.parquet"
        events = pl.read_parquet(dataset)
        older = (
            pl.when(pl.col("item_id") == "tea")
            .then(pl.lit(NEWEST - timedelta(days=90)))
            .otherwise("timestamp")
        )
        changed = events.with_columns(older.alias("timestamp"))
        changed = pl.concat([changed, changed.filter(pl.col("item_id") == "cup")]).sort("timestamp")
        changed.write_parquet(tmp_path / "events.parquet")
        (tmp_path / "events.parquet").replace(dataset)
        accept_files(context.dataset_place)
        assert [item.item_id for item in show_user(context, "ann").history] == ["cup", "tea"]

    def test_the_list_equals_the_published_list(self, context, tmp_path):
        recommend(context)
        published = pl.read_parquet(tmp_path / "lists" / "part-*.parquet")
        for user in ("ann", "bob", "cid", "dot"):
            shown = show_user(context, user).recommended
            assert [(r.item_id, r.rank, r.score) for r in shown] == published.filter(
                pl.col("user_id") == user
            ).select("item_id", "rank", "score").rows()

    def test_the_hint_for_an_unknown_user_is_a_similar_id(self, context):
        with pytest.raises(DataError, match="no user 'Ann' in the dataset") as raised:
            show_user(context, "Ann")
        assert raised.value.hint == "did you mean ann?"
        with pytest.raises(DataError) as raised:
            show_user(context, "9731")
        assert raised.value.hint == "ids look like ann, bob, cid"

    def test_text_that_cannot_be_an_id(self, tmp_path):
        context = context_for(tmp_path)
        interactions = interactions_of([(1, 10), (2, 20), (2, 10)])
        publish_dataset(context, interactions)
        publish_model(context, interactions)
        assert show_user(context, " 2 ").user_id == 2
        with pytest.raises(DataError, match="'ann' cannot be a user id: ids are Int64, for example 1"):
            show_user(context, "ann")
        with pytest.raises(DataError, match="no user '3'"):
            show_user(context, "3")

    def test_without_times_history_is_sorted_by_strength(self, tmp_path):
        context = context_for(tmp_path)
        interactions = interactions_of(PAIRS, strengths=[1, 5, 1, 1, 1, 1, 1], timed=False)
        publish_dataset(context, interactions)
        publish_model(context, interactions)
        history = show_user(context, "ann").history
        assert [(item.item_id, item.last_time, item.title) for item in history] == [
            ("cup", None, None),
            ("tea", None, None),
        ]

    @pytest.mark.parametrize("width", [80, 140])
    def test_rendered(self, context, width):
        text = text_of(render_user(show_user(context, "ann")), width)
        assert all(len(line) <= width for line in text.splitlines())
        assert "Green Tea" in text
        assert "…" in text
        assert "1 of 3 slots unfilled: too few candidates" in text
        assert ("tea" in text.split()) == (
            width == 140
        )  # ids are shown next to titles if the terminal is wide

    def test_rendered_without_titles(self, tmp_path):
        context = context_for(tmp_path, {"top_n": 1})
        interactions = interactions_of([(1, 10), (1, 20), (1, 30), (2, 40)])
        publish_dataset(context, interactions)
        publish_model(context, interactions)
        text = text_of(render_user(show_user(context, "1")))
        assert "and 2 older" in text
        assert "40" in text


class TestItem:
    def test_neighbours_by_cosine(self, context):
        report = show_item(context, "jug")
        assert [(item.rank, item.item_id) for item in report.neighbours] == [
            (1, "pot"),
            (2, "cup"),
            (3, "tea"),
        ]
        assert report.neighbours[0].score == pytest.approx(3 / 10**0.5)
        assert (report.title, report.users, report.popularity_rank, report.items) == ("Jug", 1, 3, 4)
        text = text_of(render_item(report))
        assert "0.949" in text
        assert "1 users" not in text

    def test_unknown_item(self, context):
        with pytest.raises(DataError, match="no item 'teapot' in the model"):
            show_item(context, "teapot")


class TestModel:
    def test_facts(self, context):
        report = show_model(context)
        assert (report.users, report.items, report.interactions) == (4, 4, 7)
        assert (report.user_id_type, report.item_id_type) == ("String", "String")
        assert report.loss == (0.5, 0.25)
        assert [(item.item_id, item.users) for item in report.popular] == [
            ("tea", 3),
            ("cup", 2),
            ("jug", 1),
            ("pot", 1),
        ]
        text = text_of(render_model(report))
        assert "0.500000 → 0.250000 in 2 iterations" in text
        assert "fold-in       as in training" in text
        assert all(len(line) <= 80 for line in text.splitlines())

    def test_a_heading_wider_than_its_table_is_not_broken(self, tmp_path):
        context = context_for(tmp_path)
        interactions = interactions_of(PAIRS)
        publish_dataset(context, interactions)
        publish_model(context, interactions)
        assert "Most popular items" in text_of(render_model(show_model(context)))

    def test_separate_fold_in_hyperparameters_are_shown(self, context):
        report = show_model(context)
        rule = report.recipe["confidence"] | {"item_exponent": 0.05}
        report.recipe["fold_in"] = {"regularization": 0.25, "confidence": rule, "half_life": None}
        report.recipe["settings"]["regularization"] = 0.125
        report.recipe["confidence"]["item_exponent"] = 0.3
        text = text_of(render_model(report), width=120)
        assert "regularization 0.25 (0.125 in training), item_exponent 0.05 (0.3)" in text

    def test_without_a_model(self, tmp_path):
        with pytest.raises(ArtifactError, match="no model"):
            show_model(context_for(tmp_path))
