"""Colours, fonts and axes that all charts share.

Colours are variables of the style sheet, so that one page has a light and a dark theme and prints on white.
"""

from typing import Any

ACCENT = "var(--accent)"
"""Colour of the model, and of a chart with one series."""
MUTED = "var(--baseline)"
"""Colour of what the model is compared with."""
SERIES = tuple(f"var(--series-{number})" for number in range(1, 9))
"""Colours of categories, in the order of use."""
OTHER = "var(--series-other)"

_TEXT, _GRID, _AXIS = "var(--chart-text)", "var(--chart-grid)", "var(--chart-axis)"

CONFIG: dict[str, Any] = {
    "background": "transparent",
    "font": "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif",
    "aria": False,  # the figure around the chart has the description
    "view": {"stroke": "transparent"},
    "axis": {
        "labelColor": _TEXT,
        "titleColor": _TEXT,
        "gridColor": _GRID,
        "domainColor": _AXIS,
        "tickColor": _AXIS,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titlePadding": 8,
        "labelLimit": 200,
        "labelPadding": 6,
    },
    "legend": {
        "labelColor": _TEXT,
        "titleColor": _TEXT,
        "labelFontSize": 12,
        "orient": "top",
        "title": None,
        "labelLimit": 160,
        "symbolStrokeWidth": 0,
    },
    "text": {"color": _TEXT, "fontSize": 12},
    "rule": {"color": _AXIS},
}
"""The configuration that the page applies to all charts."""


def colours_of(names: list[str], highlighted: str | None = None) -> dict[str, Any]:
    """Return the scale of colours for the series `names`. Only `highlighted`, if given, has the accent.

    With a highlighted series, the others have muted colours, and so has a series named `other`.
    """
    if highlighted is not None:
        rest = [MUTED, "var(--baseline-2)", "var(--baseline-3)"]
        others = [name for name in names if name != highlighted]
        shades = {name: rest[place % len(rest)] for place, name in enumerate(others)}
        return {"domain": names, "range": [shades.get(name, ACCENT) for name in names]}
    colours = [OTHER if name == "other" else SERIES[place % len(SERIES)] for place, name in enumerate(names)]
    return {"domain": names, "range": colours}


def tooltip(**titles: str) -> list[dict[str, str]]:
    """Return the tooltip with the fields of a mark, all texts: `titles` has the title of each field."""
    return [{"field": name, "type": "nominal", "title": title} for name, title in titles.items()]
