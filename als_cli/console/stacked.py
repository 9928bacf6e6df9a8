"""Tables that are split at a narrow terminal, so that no number is cut."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Column, Table
from rich.text import Text

_UNLIMITED = 10_000
_WORD = 20
"""A word of more columns, for example an id or a path, may be broken."""


@dataclass(frozen=True)
class _Room:
    """The columns of the terminal that a column of the table takes, without padding."""

    minimum: int
    natural: int


class Stacked:
    """A table that is as wide as its content if the terminal is wide enough.

    In a narrow terminal, columns of text are wrapped between words first. Then the columns are split into groups, which
    are printed one below the other. Each group begins with the first column. Columns of numbers (justified to the
    right) and columns that are not wrapped keep their width. A column that is not wrapped and has a ratio is shortened
    instead, down to its minimum width.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the title, the groups of columns, and the caption."""
        table, width = self._table, options.max_width
        rooms = [_room(console, options, column) for column in table.columns]
        if table.title:
            yield Text(str(table.title), style=table.title_style or "table.title")
        for number, group in enumerate(self._groups(rooms, width)):
            if number:
                yield Text()
            yield self._part(group, [rooms[place] for place in group], width)
        if table.caption:
            yield Text(str(table.caption), style=table.caption_style or "table.caption")

    def _groups(self, rooms: Sequence[_Room], width: int) -> list[list[int]]:
        """Return the places of the columns of each group."""
        groups = [[0]]
        for place in range(1, len(rooms)):
            longer = [*groups[-1], place]
            fits = sum(rooms[one].minimum for one in longer) + self._padding(len(longer)) <= width
            if fits or len(groups[-1]) == 1:
                groups[-1] = longer
            else:
                groups.append([0, place])
        return groups

    def _padding(self, columns: int) -> int:
        _, right, _, left = self._table.padding
        edges = left + right if left and self._table.pad_edge else 0
        lines = columns - 1 if self._table.box else 0
        return (columns - 1) * (left + right) + edges + lines

    def _part(self, group: Sequence[int], rooms: Sequence[_Room], width: int) -> Table:
        part = copy(self._table)
        part.title = part.caption = None
        part.pad_edge = part.pad_edge and part.padding[3] > 0
        if part.min_width is not None:
            part.min_width = min(part.min_width, width)
        widths = _widths(rooms, width - self._padding(len(group)), expand=part.expand)
        part.expand = False
        part.columns = [
            _fixed(self._table.columns[place], index, columns)
            for index, (place, columns) in enumerate(zip(group, widths, strict=True))
        ]
        return part


def _fixed(column: Column, index: int, width: int) -> Column:
    """Return `column` at a place of another table. Only words and numbers that are wider than the column are broken."""
    fixed = replace(column, _index=index, width=width, ratio=None)
    return fixed if _is_shortened(column) else replace(fixed, overflow="fold", no_wrap=False)


def _is_shortened(column: Column) -> bool:
    """Return whether the texts of `column` may end with an ellipsis."""
    return column.no_wrap and column.ratio is not None


def _room(console: Console, options: ConsoleOptions, column: Column) -> _Room:
    unlimited = options.update_width(_UNLIMITED)
    cells = [Measurement.get(console, unlimited, cell) for cell in (column.header, *column.cells)]
    natural = min(max(cell.maximum for cell in cells), column.max_width or _UNLIMITED)
    if column.justify == "right" or (column.no_wrap and not _is_shortened(column)):
        return _Room(natural, natural)
    word = min(max(cell.minimum for cell in cells), _WORD)
    return _Room(min(natural, max(word, column.min_width or 0)), natural)


def _widths(rooms: Sequence[_Room], available: int, *, expand: bool) -> list[int]:
    """Return the width of each column. Columns that need little more than their minimum get it first."""
    widths = [room.minimum for room in rooms]
    rest = available - sum(widths)
    if rest < 0:  # a single column beside the first one
        first = max(1, min(widths[0], _WORD // 2), widths[0] + rest)
        return [first, *(max(1, available - first) for _ in widths[1:])]
    needs = sorted((room.natural - room.minimum, place) for place, room in enumerate(rooms))
    for need, place in needs:
        more = min(rest, need)
        widths[place] += more
        rest -= more
    if expand:
        flexible = [place for place, room in enumerate(rooms) if room.minimum < room.natural] or [0]
        widths[flexible[0]] += rest
    return widths
