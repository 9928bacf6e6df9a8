"""How a table of the outside world is read: place, format, separator, encoding."""

from typing import Annotated, Literal

from pydantic import Field

from als_cli.config.fields import PathText, Section

ColumnRef = Annotated[str | int, Field(union_mode="left_to_right")]


class TableFormat(Section):
    """The shape of a delimited, Parquet, NDJSON or Arrow table."""

    format: Literal["auto", "csv", "parquet", "ndjson", "ipc"] = "auto"
    """`auto` goes by the file name (`.csv`, `.tsv`, `.txt`, `.data`, `.item`, `.dat` are delimited text), then by the first bytes."""
    separator: str = Field(default="auto", min_length=1)
    """Field separator of delimited text: one character, or `auto` (tab for .tsv, else the one that the first line shows)."""
    header: bool = True
    """Whether the first line of delimited text names the columns. Without it columns are numbered from 1; numbers need this key."""
    quote: Literal['"', "'", "none"] = '"'
    """Character around fields of delimited text that hold the separator; `none` where quotes are part of the text."""
    encoding: str = "utf-8"
    """Text encoding of delimited text, any name Python knows, for example `latin-1`."""


class ColumnsConfig(Section):
    """Which column holds what: a name, or a number from 1 for text without header."""

    user: ColumnRef = "user_id"
    """Who acted."""
    item: ColumnRef = "item_id"
    """On what."""
    timestamp: ColumnRef | None = None
    """When. Leave it out when the events carry no time; decay and time splits then cannot be used."""
    type: ColumnRef | None = None
    """Kind of event (view, cart, purchase …), weighted by `events.types`."""
    value: ColumnRef | None = None
    """A number that scales the event's weight: quantity, rating, seconds watched."""


class SourceConfig(TableFormat):
    """One source with its own column mapping and format."""

    path: PathText
    """A file, a glob, or `-` for stdin."""
    columns: ColumnsConfig | None = None
    """This source's columns; `events.columns` where left out."""
