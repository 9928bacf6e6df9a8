"""Section `recommend`: users, candidate items and output of the lists."""

from typing import Annotated, Literal

from pydantic import Field

from als_cli.config.fields import ConditionText, Duration, Instant, PathText, Section
from als_cli.config.output import OutputConfig
from als_cli.config.source import ColumnRef, TableFormat


class UsersFile(TableFormat):
    """A file with the users that get a list."""

    file: PathText
    """Table with one row per user. Duplicates are ignored."""
    column: ColumnRef = "user_id"
    """Column with the user ids."""


class ActiveUsers(Section):
    """Users with a recent event."""

    active_since: Duration | Instant = Field(union_mode="left_to_right")
    """The earliest time of a user's newest event: an instant, or a duration before `events.as_of` (default: before the newest event of all)."""


class CatalogColumns(Section):
    """Columns of the catalogue."""

    item: ColumnRef = "item_id"
    """Item ids, as in the events."""
    title: ColumnRef | None = None
    """Readable name, which `als show` prints. Default: column `title`, if the catalogue has it."""


class CatalogConfig(TableFormat):
    """The items that may be recommended."""

    catalog: PathText
    """Table with one row per item."""
    columns: CatalogColumns = CatalogColumns()
    """Columns of the catalogue."""
    where: ConditionText | None = None
    """An SQL condition on the columns of one row of the catalogue, for example `in_stock and price > 0`."""


class RecommendConfig(Section):
    """Top-N lists: users, candidates, rules, output."""

    top_n: int = Field(default=20, ge=1, lt=2**31)
    """Items per list. If there are fewer candidates, every list is short and has a row in the shortfall table."""
    users: Annotated[Literal["all"] | ActiveUsers | UsersFile, Field(union_mode="smart")] = "all"
    """`all`, `{active_since: 30d}`, or `{file: users.csv}`."""
    exclude_seen: bool = True
    """Whether items in a user's history are left out of the list."""
    items: CatalogConfig | None = None
    """The candidate items. Default: all items of the model."""
    fallback: Literal["popular", "none"] = "popular"
    """List of users without history: `popular` is the popularity list; `none` is no list and a row in the shortfall table."""
    block_users: int = Field(default=4096, ge=1, le=1_000_000)
    """Maximum number of users that are ranked at a time, which bounds the memory. Long lists reduce it: a block has a million slots at most."""
    output: OutputConfig = OutputConfig()
    """The output of the lists."""
