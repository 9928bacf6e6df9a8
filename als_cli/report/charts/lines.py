"""Lines: a value over a number, a time or an ordered name, one line per series."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from als_cli.report.charts.theme import ACCENT, colours_of, tooltip

_HEIGHT = 240
_SHOWN_POINTS = 30
"""Maximum number of points of a line that are shown."""
Axis = Literal["number", "fraction", "time", "name"]
_X: dict[Axis, dict[str, Any]] = {
    "number": {"type": "quantitative", "axis": {"tickMinStep": 1, "grid": False}},
    "fraction": {
        "type": "quantitative",
        "axis": {"format": ".0%", "grid": False},
        "scale": {"domain": [0, 1]},
    },
    "time": {"type": "temporal", "scale": {"type": "utc"}, "axis": {"grid": False, "tickCount": 6}},
    "name": {"type": "ordinal", "sort": None, "axis": {"labelAngle": 0, "grid": False, "labelOverlap": True}},
}


@dataclass(frozen=True)
class Mark:
    """A point of a line."""

    x: float | str
    y: float
    label: str
    """Both values as people read them."""
    series: str = ""


@dataclass(frozen=True)
class LineAxes:
    """The axes of a chart with lines."""

    x: str
    """Title of the horizontal axis."""
    y: str
    """Title of the vertical axis."""
    kind: Axis = "number"
    """Values of the horizontal axis."""
    from_zero: bool = True
    """Whether the vertical axis begins at zero."""
    y_format: str = ".4~g"


def lines(marks: Sequence[Mark], axes: LineAxes, highlighted: str | None = None) -> dict[str, Any]:
    """Return a chart with a line per series. `highlighted`, if given, has the accent, and the others are muted."""
    values = [{"x": one.x, "y": one.y, "label": one.label, "series": one.series} for one in marks]
    series = list(dict.fromkeys(one.series for one in marks))
    several = len(series) > 1
    colour: dict[str, Any] = {"value": ACCENT}
    detail: dict[str, Any] = {}
    if several:
        colour = {"field": "series", "type": "nominal", "scale": colours_of(series, highlighted)}
        dashes = [[1, 0], [6, 3], [2, 2], [8, 3, 2, 3]]
        detail = {
            "strokeDash": {
                "field": "series",
                "type": "nominal",
                "scale": {
                    "domain": series,
                    "range": [dashes[place % len(dashes)] for place in range(len(series))],
                },
            }
        }
    x = {**_X[axes.kind], "field": "x"}
    x["axis"] = {**x["axis"], "title": axes.x}
    is_short = len(marks) <= _SHOWN_POINTS * len(series)
    titles = {**({"series": "line"} if several else {}), "label": "values"}
    return {
        "width": "container",
        "autosize": {"type": "fit-x", "contains": "padding"},
        "height": _HEIGHT,
        "data": {"values": values},
        "encoding": {
            "x": x,
            "y": {
                "field": "y",
                "type": "quantitative",
                "scale": {"zero": axes.from_zero, "nice": True},
                "axis": {"title": axes.y, "tickCount": 5, "format": axes.y_format},
            },
            "color": colour,
        },
        "layer": [
            {"mark": {"type": "line", "strokeWidth": 2}, "encoding": detail},
            {
                # Points of long lines are invisible: they only have the tooltips.
                "mark": {"type": "point", "filled": True, "size": 36, "opacity": 1 if is_short else 0},
                "encoding": {"tooltip": tooltip(**titles)},
            },
        ],
    }
