"""Section `recommend`: for whom, from what, where to."""

from typing import Annotated, Literal

from pydantic import Field

from als_cli.config.fields import ConditionText, Duration, Instant, PathText, Section
from als_cli.config.source import ColumnRef, TableFormat


class UsersFile(TableFormat):
    """A file that lists the users to recommend for."""

    file: PathText
    """Table with one row per user; duplicates count once."""
    column: ColumnRef = "user_id"
    """Column with the user ids."""


class ActiveUsers(Section):
    """Users with an event not older than this."""

    active_since: Duration | Instant = Field(union_mode="left_to_right")
    """An instant, or a length of time before the newest event."""


class CatalogColumns(Section):
    """Columns of the catalogue."""

    item: ColumnRef = "item_id"
    """Item ids, as in the events."""
    title: ColumnRef | None = None
    """Readable name, shown by `als show`; `title` is used where the catalogue has such a column."""


class CatalogConfig(TableFormat):
    """The items that may be recommended."""

    catalog: PathText
    """Table with one row per item."""
    columns: CatalogColumns = CatalogColumns()
    """Columns of the catalogue."""
    where: ConditionText | None = None
    """An SQL condition on the columns of one row of the catalogue, for example `in_stock and price > 0`."""


class OutputConfig(Section):
    """Where the lists go."""

    path: PathText = Field(default="out/recommendations", validate_default=True)
    """A folder of parts, or one file when the name ends in .parquet, .csv, .ndjson or .arrow; another suffix of letters is an error; `-` streams rows to stdout. Outside the workspace and apart from all inputs."""
    format: Literal["parquet", "csv", "ndjson", "ipc"] = "parquet"
    """File format. A file name's own suffix must agree."""
    layout: Literal["rows", "lists"] = "rows"
    """`rows`: one row per user and rank; `lists`: one row per user."""
    users_per_part: int = Field(default=1_000_000, ge=1)
    """Users in one part file of a folder."""


class RecommendConfig(Section):
    """Top-N lists: users, candidates, rules, output."""

    top_n: int = Field(default=20, ge=1, lt=2**31)
    """Items per list. Where there are fewer candidates, every list is short and has a shortfall row."""
    users: Annotated[Literal["all"] | ActiveUsers | UsersFile, Field(union_mode="smart")] = "all"
    """`all`, `{active_since: 30d}`, or `{file: users.csv}`."""
    exclude_seen: bool = True
    """Leave out what the user already has."""
    items: CatalogConfig | None = None
    """Candidates; without it every item of the model may be recommended."""
    fallback: Literal["popular", "none"] = "popular"
    """Users without history get the popularity list (source `popular`), or nothing and a shortfall row."""
    block_users: int = Field(default=4096, ge=1)
    """Users ranked at a time; bounds the memory. Fewer where lists are so long that a block would exceed a million places."""
    output: OutputConfig = OutputConfig()
    """Where the lists go."""
