"""Every kind of chart is a valid Vega-Lite specification, also with hostile names."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import vl_convert

from als_cli.dataset.description import EventPeriod
from als_cli.report.charts.bars import Bar, bars, grouped_bars
from als_cli.report.charts.columns import histogram, timeline
from als_cli.report.charts.intervals import Interval, intervals
from als_cli.report.charts.lines import LineAxes, Mark, lines
from als_cli.report.charts.scatter import Point, scatter
from als_cli.report.charts.theme import CONFIG, OTHER, colours_of
from tests.report.hostile import HOSTILE

START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = [START + timedelta(days=day) for day in range(3)]
SPECS = {
    "bars": bars([Bar(name, place, f"{place}") for place, name in enumerate(HOSTILE)], "value"),
    "highlighted bars": bars([Bar("als", 1, "1"), Bar("popular", 0, "0")], "value", highlighted="als"),
    "no bars": bars([], "value"),
    "grouped bars": grouped_bars(
        [Bar(name, 1, "1", series) for name in HOSTILE for series in ("als", "popular")], "value", "als"
    ),
    "histogram": histogram([(name, 3) for name in HOSTILE], "class", "users"),
    "timeline": timeline([EventPeriod(day, day + timedelta(days=1), 5) for day in DAYS], "events"),
    "stacked timeline": timeline(
        [EventPeriod(day, day + timedelta(days=1), 5, name) for day in DAYS for name in HOSTILE], "events"
    ),
    "lines": lines([Mark(x, x / 2, f"{x}") for x in range(4)], LineAxes("iteration", "loss")),
    "lines by name": lines([Mark(name, 1, "1", "als") for name in HOSTILE], LineAxes("x", "y", "name")),
    "long lines": lines(
        [Mark(x / 99, x / 99, "", name) for x in range(100) for name in ("lists", "events")],
        LineAxes("x", "y", "fraction", y_format=".0%"),
        "lists",
    ),
    "intervals": intervals([Interval(name, -1, 0, 1, "0", "not clear") for name in HOSTILE], "difference"),
    "map": scatter([Point(1.23456, 2, name, name, "3 users") for name in HOSTILE], HOSTILE),
}


NARROW = {kind: {**spec, **spec["usermeta"]["narrow"]} for kind, spec in SPECS.items() if "usermeta" in spec}


def test_long_names_are_above_the_bars_on_a_narrow_screen():
    assert set(NARROW) == {"bars", "grouped bars"}
    for kind, spec in NARROW.items():
        compiled = vl_convert.vegalite_to_vega(json.dumps({**spec, "config": CONFIG}, allow_nan=False))
        assert compiled["height"] > vl_convert.vegalite_to_vega(json.dumps(SPECS[kind]))["height"] / 2
        assert not any(axis.get("labels", True) for axis in compiled["axes"] if axis["scale"] == "y")
        assert len(compiled["marks"]) == 3  # bars, values, names


@pytest.mark.parametrize("kind", SPECS)
def test_vega_lite_compiles_the_specification(kind):
    spec = {**SPECS[kind], "config": CONFIG}
    compiled = vl_convert.vegalite_to_vega(json.dumps(spec, allow_nan=False))
    assert compiled["marks"]


def test_coordinates_of_the_map_are_rounded():
    assert SPECS["map"]["data"]["values"][0]["x"] == 1.235


def test_colours():
    assert colours_of(["als", "popular"], "als")["range"][0] == "var(--accent)"
    assert colours_of(["a", "other"])["range"] == ["var(--series-1)", OTHER]
    many = colours_of([str(number) for number in range(20)])
    assert len(many["range"]) == 20
