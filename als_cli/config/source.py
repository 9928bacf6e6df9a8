"""How an input table is read: path, format, separator, encoding."""

from typing import Annotated, Literal

from pydantic import Field

from als_cli.config.fields import PathText, Section

ColumnRef = Annotated[str | int, Field(union_mode="left_to_right")]


class TableFormat(Section):
    """The format of a delimited, Parquet, NDJSON or Arrow table."""

    format: Literal["auto", "csv", "parquet", "ndjson", "ipc"] = "auto"
    """File format. `auto`: detected from the suffix (`.csv`, `.tsv`, `.txt`, `.data`, `.item`, `.dat` are delimited text), then from the first bytes."""
    separator: str = Field(default="auto", min_length=1)
    """Field separator of delimited text: one character, or `auto` (tab for .tsv, otherwise detected from the first line)."""
    header: bool = True
    """Whether the first line of delimited text contains the column names. Without a header, columns are numbered from 1. If columns are given by number, this key is required."""
    quote: Literal['"', "'", "none"] = '"'
    """Quote character of delimited text. `none`: quotes are part of the text."""
    encoding: str = "utf-8"
    """Encoding of delimited text: any name that Python knows, for example `latin-1`."""


class ColumnsConfig(Section):
    """Columns by name, or by number from 1 for text without header."""

    user: ColumnRef = "user_id"
    """The user id."""
    item: ColumnRef = "item_id"
    """The item id."""
    timestamp: ColumnRef | None = None
    """The time of the event. Leave it out if events have no timestamps; decay and time splits are then unavailable."""
    type: ColumnRef | None = None
    """The event type (view, cart, purchase …). `events.types` has the weights."""
    value: ColumnRef | None = None
    """A number that scales the weight of the event: quantity, rating, seconds watched."""
    title: ColumnRef | None = None
    """A readable name of the item, for a shop without a catalogue. `als show` and the report show it, unless the catalogue has a title. The most frequent title of an item counts."""


class SourceConfig(TableFormat):
    """One source with its own column mapping and format."""

    path: PathText
    """A file, a glob, the folder of a Delta table, or `-` for stdin."""
    columns: ColumnsConfig | None = None
    """Columns of this source. Default: `events.columns`."""


class TableConfig(TableFormat):
    """A table beside the events."""

    path: PathText
    """A file, a glob, or the folder of a Delta table."""
