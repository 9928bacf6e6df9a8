"""The parts of a section: facts, tables, charts and remarks. All texts are plain; the template escapes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Level = Literal["problem", "notice", "good"]


@dataclass(frozen=True)
class Fact:
    """A figure with its name."""

    name: str
    value: str
    note: str = ""
    """A few words about the figure."""


@dataclass(frozen=True)
class Column:
    """The heading of a column."""

    title: str
    is_number: bool = False


@dataclass(frozen=True)
class Table:
    """A table of texts."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    marked: int | None = None
    """The row that is emphasized, from 0."""


@dataclass(frozen=True)
class Chart:
    """A chart, and what people read who cannot see it."""

    name: str
    """Unique in the page: lower-case letters and hyphens."""
    title: str
    summary: str
    """One or two sentences: what the chart shows, with its most important figures."""
    spec: dict[str, Any]
    """The Vega-Lite specification."""
    table: Table | None = None
    """The numbers of the chart; None: the chart has too many, or they are in a table beside it."""


@dataclass(frozen=True)
class Check:
    """A remark of the first section: what a reader should look at."""

    level: Level
    text: str
    section: str
    """Id of the section that has the figures."""


def table_of(
    caption: str,
    titles: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    texts: int = 1,
    marked: int | None = None,
) -> Table:
    """Return a table. Its first `texts` columns are text, and the others are numbers. `marked` is as in :class:`Table`."""
    columns = tuple(Column(title, is_number=place >= texts) for place, title in enumerate(titles))
    return Table(caption, columns, tuple(tuple(row) for row in rows), marked)
