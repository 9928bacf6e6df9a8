"""Long ids in narrow columns."""

from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.text import Text

_SHORTEST_ID = 12


@dataclass(frozen=True)
class ShortenedId:
    """An id of any length. In a narrow column, an ellipsis replaces its middle."""

    text: str

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the id in one line."""
        yield Text(self.at(options.max_width), no_wrap=True, overflow="ellipsis")

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """Return the range of widths in which the id can be read."""
        natural = cell_len(self.text)
        return Measurement(min(_SHORTEST_ID, natural), natural)

    def at(self, width: int) -> str:
        """Return the id in `width` columns at most."""
        if cell_len(self.text) <= width:
            return self.text
        kept = max(width - 1, 2)
        head = kept - kept // 2
        return f"{self.text[:head]}…{self.text[-(kept - head) :]}"
