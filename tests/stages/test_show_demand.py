"""`show` with a demand rule: demand and trends of items, and the rule of the model."""

import io
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from rich.console import Console

from als_cli.als.confidence import ConfidenceRule
from als_cli.als.demand import DemandRule
from als_cli.als.engine import Factors
from als_cli.als.recipe import FoldIn
from als_cli.console.views.show import render_item, render_model, render_user
from als_cli.errors import ArtifactError
from als_cli.stages.show import show_item, show_model, show_user
from tests.stages.builders import context_for, interactions_of, publish_dataset, publish_model
from tests.stages.tea_shop import PAIRS

DAY = 86_400.0
TITLES = {"tea": "Green Tea from the Slopes of Some Far and Very High Mountain in the East", "jug": "Jug"}
FACTORS = Factors(np.ones((4, 2), np.float32), np.array([[4, 0], [3, 3], [2, 1], [1, 1]], np.float32))
"""Items by row: cup, jug, pot, tea."""
AGES = [timedelta(days=days) for days in (0, 14, 7, 21, 28, 0, 28)]
"""tea: 0, 7 and 28 days; cup: 14 and 0; pot: 21; jug: 28."""


@pytest.fixture
def shop(tmp_path):
    pl.DataFrame({"item_id": list(TITLES), "title": list(TITLES.values())}).write_csv(tmp_path / "items.csv")

    def opened(rule=None, timed=True, **recipe):
        context = context_for(tmp_path, {"top_n": 3, "items": {"catalog": str(tmp_path / "items.csv")}})
        publish_dataset(context, interactions_of(PAIRS, ages=AGES, timed=timed))
        publish_model(context, interactions_of(PAIRS), FACTORS, demand=rule or DemandRule(), **recipe)
        return context

    return opened


def text_of(renderable, width=80):
    console = Console(file=io.StringIO(), width=width)
    console.print(renderable)
    return console.file.getvalue()


def assert_fits(text, width=80):
    assert max(map(len, text.splitlines())) <= width


class TestItem:
    def test_demand_of_the_item_and_of_its_neighbours(self, shop):
        report = show_item(shop(DemandRule(half_life=7 * DAY, exponent=1.0)), "tea")
        assert report.demand.now == 1 + 1 / 2 + 1 / 16
        assert report.demand.long_run == 3
        assert (report.half_lives.now, report.half_lives.long_run) == (7 * DAY, None)
        demands = {item.item_id: (item.demand.now, item.demand.long_run) for item in report.neighbours}
        assert demands == {"cup": (1 + 1 / 4, 2), "pot": (1 / 8, 1), "jug": (1 / 16, 1)}
        # Four half-lives of constant demand are 15/16 x 7 days / ln 2 long; the long run is 28 days long.
        scale = 28 / (7 / np.log(2) * 15 / 16)
        assert report.demand.trend == pytest.approx(report.demand.now / 3 * scale)

    def test_similar_items_do_not_depend_on_demand(self, shop):
        plain, weighted = (
            [(item.item_id, item.score) for item in show_item(shop(rule), "tea").neighbours]
            for rule in (DemandRule(), DemandRule(half_life=DAY, exponent=4.0, offset=50.0))
        )
        assert plain == weighted

    def test_rendered(self, shop):
        text = text_of(render_item(show_item(shop(DemandRule(7 * DAY, 1.0, 90 * DAY)), "cup")))
        assert_fits(text)
        assert "demand 1.2 · long run 1.9 · trend " in text
        assert "cosine  demand  long run  trend" in text
        assert "demand: users; each counts half for every 7d since their newest event" in text
        assert "long run: the same with 90d" in text
        assert "trend: users per day now / in the long run; 1.00 is constant demand" in text

    def test_an_infinite_long_run_counts_all_users(self, shop):
        text = text_of(render_item(show_item(shop(DemandRule(half_life=0.5 * DAY)), "tea")))
        assert "every 12h since" in text
        assert "long run: all users" in text

    def test_an_item_that_the_dataset_lacks_has_no_trend(self, shop):
        context = shop(DemandRule(half_life=DAY, exponent=1.0))
        publish_dataset(context, interactions_of(PAIRS[:-1]))
        report = show_item(context, "jug")
        assert (report.demand.now, report.demand.long_run, report.demand.trend) == (0, 0, None)
        assert "demand 0.0 · long run 0.0 · trend unknown" in text_of(render_item(report))

    @pytest.mark.parametrize(
        ("rule", "timed"),
        [
            (DemandRule(), True),
            (DemandRule(exponent=1.0), True),
            (DemandRule(half_life=DAY, exponent=1.0), False),
        ],
    )
    def test_without_times_or_half_life_there_are_no_columns(self, shop, rule, timed):
        report = show_item(shop(rule, timed), "tea")
        assert (report.demand, report.half_lives) == (None, None)
        assert {item.demand for item in report.neighbours} == {None}
        text = text_of(render_item(report))
        assert "demand" not in text
        assert "trend" not in text

    def test_without_a_dataset_the_neighbours_are_shown(self, tmp_path):
        context = context_for(tmp_path)
        publish_model(context, interactions_of(PAIRS), FACTORS, demand=DemandRule(DAY, 1.0))
        report = show_item(context, "tea")
        assert (len(report.neighbours), report.demand) == (3, None)

    def test_a_dataset_with_ids_of_another_type(self, shop):
        context = shop(DemandRule(DAY, 1.0))
        publish_dataset(context, interactions_of([(1, 10), (2, 20)]))
        with pytest.raises(ArtifactError, match="item ids are Int64 in the dataset and String in the model"):
            show_item(context, "tea")


class TestUser:
    def test_demand_is_beside_the_score(self, shop):
        report = show_user(shop(DemandRule(half_life=7 * DAY, exponent=1.0)), "dot")
        assert [item.item_id for item in report.recommended] == ["tea"]  # the catalogue has tea and jug
        assert report.recommended[0].demand.now == 1 + 1 / 2 + 1 / 16

    @pytest.mark.parametrize("width", [80, 140])
    def test_rendered(self, shop, width):
        rule = DemandRule(half_life=7 * DAY, exponent=1.0, long_run_half_life=30 * DAY, long_run_exponent=0.5)
        text = text_of(render_user(show_user(shop(rule), "dot")), width)
        assert_fits(text, width)
        assert "score  trend" in text or "score  demand  long run  trend" in text
        assert ("long run  trend" in text) == (width == 140)
        assert "trend: users per day now / in the long run; 1.00 is constant demand" in text

    def test_without_a_half_life_there_are_no_columns(self, shop):
        report = show_user(shop(), "dot")
        assert report.half_lives is None
        assert "trend" not in text_of(render_user(report), 140)


class TestModel:
    def test_the_demand_rule(self, shop):
        rule = DemandRule(1.5 * DAY, 1.25, None, 0.5, 2.0)
        report = show_model(shop(rule))
        assert report.recipe["demand"] == rule.to_json()
        text = " ".join(text_of(render_model(report), 140).split())
        assert (
            "demand half_life 1.5d, exponent 1.25, long_run_half_life infinite, long_run_exponent 0.5, offset 2"
            in text
        )

    def test_a_neutral_rule(self, shop):
        text = text_of(render_model(show_model(shop(DemandRule(half_life=DAY, offset=3.0)))))
        assert "demand        no influence" in text

    @pytest.mark.parametrize(("half_life", "shown"), [(None, "infinite"), (90.0, "1.5m"), (1.5, "1.5s")])
    def test_the_half_life_of_the_fold_in(self, shop, half_life, shown):
        fold_in = FoldIn(0.1, ConfidenceRule("linear", 1.0, 1.0, 1.0), half_life)
        report = show_model(shop(separate_fold_in=fold_in))
        assert report.recipe["fold_in"]["half_life"] == half_life
        text = text_of(render_model(report))
        assert_fits(text)
        assert f"half_life {shown}" in " ".join(text.split())
