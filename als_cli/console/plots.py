"""Plots at the terminal, where a number is not enough."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from als_cli.errors import one_line

_MINIMUM_WIDTH = 40
_MAXIMUM_WIDTH = 100
_HEIGHT = 10


@dataclass(frozen=True)
class LinePlot:
    """A line through points, with its title above. It is left out in a narrow terminal, and without Unicode."""

    title: str
    values: Sequence[float]
    """At least two."""
    names: Sequence[str]
    """Name of each point. The first, the middle and the last one are shown."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the lines of the plot."""
        if options.max_width < _MINIMUM_WIDTH or not options.encoding.startswith("utf"):
            return
        yield Text(one_line(self.title), style="bold")
        yield from map(Text, self.lines(min(options.max_width, _MAXIMUM_WIDTH)))

    def lines(self, width: int) -> list[str]:
        """Return the lines of the plot, which are at most `width` columns wide."""
        import plotext

        figure, count = plotext.figure, len(self.values)
        figure.clear()
        figure.theme("colorless")
        figure.plot_size(width, _HEIGHT)
        line = figure.signal(list(range(count)), list(self.values), marker="braille")
        line.lines()
        figure.draw(line)
        shown = sorted({0, count // 2, count - 1})
        figure.ruler("x").ticks(shown, [one_line(self.names[place]) for place in shown])
        heights = sorted({min(self.values), (min(self.values) + max(self.values)) / 2, max(self.values)})
        figure.ruler("y").ticks(heights, [_number(height) for height in heights])
        for axis in ("x", "y"):
            figure.axes(False, axis=axis, side=1)
        return [one.rstrip() for one in plotext.uncolorize(str(figure.build())).splitlines() if one.strip()]


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
