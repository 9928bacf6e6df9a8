"""Horizontal bars, one per name, each with its value in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from als_cli.report.charts.theme import ACCENT, MUTED, colours_of, tooltip

_STEP = 28
_GROUPED_STEP, _GROUP_GAP = 18, 12
_CHARACTER, _BESIDE = 7.5, 8
"""Width of a character of a label, and the room around a label, in pixels. The label of a bar is beside its end."""
_LONG = 12
"""Names of more characters are above the bars on a narrow screen."""
_ABOVE, _BAR = 20, 18
"""Height of a name above its bars, and of a bar, in pixels."""


@dataclass(frozen=True)
class Bar:
    """A bar."""

    name: str
    value: float
    label: str
    """The value as people read it."""
    series: str = ""
    """The series in a chart with several bars per name."""


def bars(
    rows: Sequence[Bar], axis: str, *, highlighted: str | None = None, axis_format: str = ".4~g"
) -> dict[str, Any]:
    """Return a chart with a bar per row, in the order of `rows`. Only the bar `highlighted`, if given, has the accent.

    `axis_format` is the number format of the axis, in the notation of D3.
    """
    values = [{"name": bar.name, "value": bar.value, "label": bar.label} for bar in rows]
    colour: dict[str, Any] = {"value": ACCENT}
    if highlighted is not None:
        shades = [ACCENT if bar.name == highlighted else MUTED for bar in rows]
        colour = {
            "field": "name",
            "type": "nominal",
            "scale": {"domain": [bar.name for bar in rows], "range": shades},
            "legend": None,
        }
    return _chart(values, axis, axis_format, {"color": colour, "tooltip": tooltip(name="name", label=axis)})


def grouped_bars(
    rows: Sequence[Bar], axis: str, highlighted: str | None = None, axis_format: str = ".4~g"
) -> dict[str, Any]:
    """Return a chart with a group of bars per name, one bar per series. The other arguments are those of :func:`bars`."""
    values = [
        {"name": bar.name, "value": bar.value, "label": bar.label, "series": bar.series} for bar in rows
    ]
    series = list(dict.fromkeys(bar.series for bar in rows))
    encoding = {
        "yOffset": {"field": "series", "type": "nominal", "sort": None},
        "color": {"field": "series", "type": "nominal", "scale": colours_of(series, highlighted)},
        "tooltip": tooltip(name="name", series="series", label=axis),
    }
    names = {bar.name for bar in rows}
    height = len(names) * (_GROUP_GAP + _GROUPED_STEP * len(series))
    return {**_chart(values, axis, axis_format, encoding), "height": height}


def _chart(
    values: list[dict[str, Any]], axis: str, axis_format: str, encoding: dict[str, Any]
) -> dict[str, Any]:
    largest = max((row["value"] for row in values), default=0) or 1
    names = list(dict.fromkeys(row["name"] for row in values))
    room = _BESIDE + round(_CHARACTER * max((len(row["label"]) for row in values), default=0))
    offset = {"yOffset": encoding["yOffset"]} if "yOffset" in encoding else {}
    spec = {
        "width": "container",
        "autosize": {"type": "fit-x", "contains": "padding"},
        "padding": {"left": 5, "top": 5, "bottom": 5, "right": room},
        "height": _STEP * len(names),
        "data": {"values": values},
        "encoding": {
            "y": {"field": "name", "type": "nominal", "sort": None, "axis": {"title": None, "ticks": False}},
            "x": {
                "field": "value",
                "type": "quantitative",
                "scale": {"domain": [0, largest], "nice": False},
                "axis": {"title": axis, "tickCount": 4, "format": axis_format},
            },
        },
        "layer": [
            {"mark": {"type": "bar", "cornerRadiusEnd": 2}, "encoding": encoding},
            {
                "mark": {"type": "text", "align": "left", "baseline": "middle", "dx": 5},
                "encoding": {"text": {"field": "label", "type": "nominal"}, **offset},
            },
        ],
    }
    is_long = max(map(len, names), default=0) > _LONG
    return {**spec, "usermeta": {"narrow": _with_names_above(spec, values, len(names))}} if is_long else spec


def _with_names_above(spec: dict[str, Any], values: list[dict[str, Any]], names: int) -> dict[str, Any]:
    """Return the fields that replace those of `spec` on a narrow screen: the names are above the bars."""
    bars_per_name = max(1, len({row.get("series") for row in values}))
    step = _ABOVE + _BAR * bars_per_name + 4
    inner, outer = (_ABOVE + 4) / step, _ABOVE / step
    y = spec["encoding"]["y"] | {
        "axis": {"title": None, "ticks": False, "labels": False},
        "scale": {"paddingInner": inner, "paddingOuter": outer},
    }
    first = {"field": "series", "equal": values[0]["series"]} if "series" in values[0] else None
    name = {
        "mark": {"type": "text", "align": "left", "baseline": "bottom", "dx": 2, "dy": -3, "limit": 280},
        "encoding": {
            "text": {"field": "name", "type": "nominal"},
            "x": {"value": 0},
            "y": y | {"bandPosition": 0},
        },
        **({"transform": [{"filter": first}]} if first else {}),
    }
    return {
        "height": round(step * (names - inner + 2 * outer)),
        "encoding": spec["encoding"] | {"y": y},
        "layer": [*spec["layer"], name],
    }
