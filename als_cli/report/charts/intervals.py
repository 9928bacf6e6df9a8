"""Intervals: a point and its interval per name, beside a line at zero."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from als_cli.report.charts.theme import tooltip

_STEP = 34
_COLOURS = {
    "domain": ["better", "not clear", "worse"],
    "range": ["var(--good)", "var(--baseline)", "var(--bad)"],
}


@dataclass(frozen=True)
class Interval:
    """A difference and its interval."""

    name: str
    low: float
    middle: float
    high: float
    label: str
    """The three numbers as people read them."""
    conclusion: str
    """better, worse or not clear."""


def intervals(rows: Sequence[Interval], axis: str) -> dict[str, Any]:
    """Return a chart with an interval per row, in the order of `rows`, and a line at zero."""
    values = [vars(row) for row in rows]
    colour = {
        "field": "conclusion",
        "type": "nominal",
        "scale": _COLOURS,
        "legend": {"title": "the model is", "orient": "top", "symbolType": "circle"},
    }
    y = {"field": "name", "type": "nominal", "sort": None, "axis": {"title": None, "ticks": False}}
    x = {"type": "quantitative", "axis": {"title": axis, "tickCount": 5}, "scale": {"zero": True}}
    hover = {"tooltip": tooltip(name="baseline", label="difference", conclusion="the model is")}
    return {
        "width": "container",
        "autosize": {"type": "fit-x", "contains": "padding"},
        "height": _STEP * len(rows),
        "data": {"values": values},
        "layer": [
            {
                "data": {"values": [{"zero": 0}]},
                "mark": {"type": "rule", "color": "var(--chart-text)", "strokeDash": [4, 3]},
                "encoding": {"x": {**x, "field": "zero"}},
            },
            {
                "mark": {"type": "rule", "strokeWidth": 3, "strokeCap": "round"},
                "encoding": {
                    "y": y,
                    "x": {**x, "field": "low"},
                    "x2": {"field": "high"},
                    "color": colour,
                    **hover,
                },
            },
            {
                "mark": {"type": "point", "filled": True, "size": 110, "opacity": 1},
                "encoding": {"y": y, "x": {**x, "field": "middle"}, "color": colour, **hover},
            },
        ],
    }
