"""Columns: one per class of a histogram, or one per period of time."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from als_cli.report.charts.theme import ACCENT, colours_of, tooltip
from als_cli.report.text import count, instant

_HEIGHT = 220
_UPRIGHT = 8
"""Maximum number of classes whose names are horizontal."""


@dataclass(frozen=True)
class EventPeriod:
    """The number of events of a type in a period."""

    start: datetime
    end: datetime
    events: int
    series: str = ""


def histogram(classes: Sequence[tuple[str, int]], title: str, axis: str) -> dict[str, Any]:
    """Return a chart with a column per class (name, number). `title` is that of the classes."""
    values = [{"name": name, "value": number, "label": count(number)} for name, number in classes]
    return {
        "width": "container",
        "autosize": {"type": "fit-x", "contains": "padding"},
        "height": _HEIGHT,
        "data": {"values": values},
        "mark": {"type": "bar", "cornerRadiusEnd": 2, "color": ACCENT},
        "encoding": {
            "x": {
                "field": "name",
                "type": "ordinal",
                "sort": None,
                "axis": {"title": title, "labelAngle": -40 if len(classes) > _UPRIGHT else 0, "ticks": False},
            },
            "y": {
                "field": "value",
                "type": "quantitative",
                "axis": {"title": axis, "tickCount": 5, "format": "~s"},
            },
            "tooltip": tooltip(name=title, label=axis),
        },
    }


def timeline(periods: Sequence[EventPeriod], axis: str) -> dict[str, Any]:
    """Return a chart with a column per period, stacked by series if there are several."""
    values, heights = [], Counter[datetime]()
    for period in periods:
        bottom = heights[period.start]
        heights[period.start] += period.events
        values.append(
            {
                "start": period.start.isoformat(),
                "end": period.end.isoformat(),
                "bottom": bottom,
                "top": heights[period.start],
                "label": count(period.events),
                "from": instant(period.start),
                "series": period.series,
            }
        )
    series = list(dict.fromkeys(period.series for period in periods))
    several = len(series) > 1
    colour: dict[str, Any] = {"value": ACCENT}
    if several:
        colour = {"field": "series", "type": "nominal", "scale": colours_of(series)}
    titles = {"from": "from", **({"series": "type"} if several else {}), "label": axis}
    return {
        "width": "container",
        "autosize": {"type": "fit-x", "contains": "padding"},
        "height": _HEIGHT,
        "data": {"values": values},
        "mark": {"type": "rect", "stroke": "var(--surface)", "strokeWidth": 0.5},
        "encoding": {
            "x": {
                "field": "start",
                "type": "temporal",
                "scale": {"type": "utc"},
                "axis": {"title": None, "grid": False, "labelOverlap": True, "tickCount": 8},
            },
            "x2": {"field": "end"},
            "y": {
                "field": "top",
                "type": "quantitative",
                "scale": {"zero": True},
                "axis": {"title": axis, "tickCount": 5, "format": "~s"},
            },
            "y2": {"field": "bottom"},
            "color": colour,
            "tooltip": tooltip(**titles),
        },
    }
