"""A map: a point per item, coloured by its group."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from als_cli.report.charts.theme import colours_of, tooltip

_HEIGHT = 460
_DIGITS = 3


@dataclass(frozen=True)
class Point:
    """A point of the map."""

    x: float
    y: float
    name: str
    group: str
    label: str
    """The size of the point as people read it."""


def scatter(points: Sequence[Point], groups: Sequence[str]) -> dict[str, Any]:
    """Return a map of `points`, coloured by their group. `groups` has the order of the legend.

    A click on a group of the legend dims the points of the other groups.
    """
    values = [
        {
            "x": round(point.x, _DIGITS),
            "y": round(point.y, _DIGITS),
            "name": point.name,
            "group": point.group,
            "label": point.label,
        }
        for point in points
    ]
    axis = {"title": None, "labels": False, "ticks": False, "domain": False, "grid": False}
    return {
        "width": "container",
        "autosize": {"type": "fit-x", "contains": "padding"},
        "height": _HEIGHT,
        "data": {"values": values},
        "params": [
            {"name": "group", "select": {"type": "point", "fields": ["group"]}, "bind": "legend"},
        ],
        "mark": {"type": "circle", "size": 46},
        "encoding": {
            "x": {"field": "x", "type": "quantitative", "axis": axis, "scale": {"zero": False}},
            "y": {"field": "y", "type": "quantitative", "axis": axis, "scale": {"zero": False}},
            "color": {
                "field": "group",
                "type": "nominal",
                "scale": colours_of(list(groups)),
                "legend": {"orient": "top", "columns": 4, "title": None},
            },
            "opacity": {"condition": {"param": "group", "value": 0.85}, "value": 0.08},
            "tooltip": tooltip(name="item", group="group", label="users"),
        },
    }
