"""Section `recommend`: users, candidate items and output of the lists."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from als_cli.config.fields import ConditionText, Duration, Instant, PathText, Section, Wording
from als_cli.config.output import OutputConfig
from als_cli.config.rules import ItemsFile, RulesConfig
from als_cli.config.source import ColumnRef, TableFormat

UserId = str | Annotated[int, Field(ge=-(2**63), lt=2**63)]
DurationByType = Annotated[
    dict[str, Duration], Wording("durations by event type such as {purchase: 180d}"), Field(min_length=1)
]
FallbackName = Literal["segment_popular", "recent_popular", "popular"]


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


class Availability(Section):
    """Columns with the times between which an item may be recommended. A time is a date, a datetime, or ISO 8601 text."""

    since: ColumnRef | None = None
    """Column with the first instant. Blank: no bound."""
    until: ColumnRef | None = None
    """Column with the instant from which on the item is not recommended. Blank: no bound."""


class CatalogConfig(TableFormat):
    """The candidates: the items that satisfy all of `catalog`, `where`, `available`, `allow` and `deny`."""

    catalog: PathText | None = None
    """Table with one row per item."""
    columns: CatalogColumns = CatalogColumns()
    """Columns of the catalogue."""
    where: ConditionText | None = None
    """An SQL condition on the columns of one row of the catalogue, for example `in_stock and price > 0`."""
    available: Availability | None = None
    """Columns of the catalogue with the times between which an item may be recommended, compared with `events.as_of` or the clock."""
    allow: ItemsFile | None = None
    """The only items that may be recommended."""
    deny: ItemsFile | None = None
    """Items that are not recommended."""


class SegmentsFile(TableFormat):
    """A file with the segment of each user."""

    file: PathText
    """Table with one row per user."""
    user: ColumnRef = "user_id"
    """Column with the user ids."""
    column: ColumnRef = "segment"
    """Column with the segment, for example a country."""


class Guests(Section):
    """Lists for users who are unknown when lists are read."""

    id: UserId | None = None
    """User id of the list for all unknown users. It must not be the id of a user."""
    segments: dict[str, UserId] = Field(default={})
    """User ids of the lists for unknown users of a segment, by segment."""


class ChurnConfig(Section):
    """How far new lists may differ from the published ones. Otherwise the run exits with code 5, and the published lists stay."""

    metric: Literal["rbo", "jaccard", "changed_users"] = "rbo"
    """`rbo`: mean rank-biased overlap of the old and the new list, with p = 0.9. `jaccard`: mean of items in both lists / items in one of them. `changed_users`: fraction of users whose items or order differ. All users of the published lists count; without a new list, their similarity is 0."""
    at_least: float | None = Field(default=None, ge=0, le=1)
    """Minimum of `rbo` or `jaccard`."""
    at_most: float | None = Field(default=None, ge=0, le=1)
    """Maximum of `changed_users`."""


class RecommendConfig(Section):
    """Top-N lists: users, candidates, rules, output."""

    top_n: int = Field(default=20, ge=1, lt=2**31)
    """Items per list. If there are fewer candidates, every list is short and has a row in the shortfall table."""
    users: Annotated[Literal["all"] | ActiveUsers | UsersFile, Field(union_mode="smart")] = "all"
    """`all`, `{active_since: 30d}`, or `{file: users.csv}`."""
    exclude_seen: bool = True
    """Whether items in a user's history are left out of the list."""
    seen_again_after: Duration | DurationByType | None = None
    """With `exclude_seen`: an item of the history may come again when the user's newest event with it is this old, before `events.as_of` or the newest event. `{purchase: 180d}` counts only events of the named types. It needs `columns.type`. An item without an event of these types never comes again. Default: never."""
    refresh: Literal["changed", "all", "none"] = "changed"
    """Which users get new factors from their present history, without training, if the dataset is newer than the model. `changed`: users with other events than at training time. `all`: all users. `none`: only users that the model does not know. With `changed` and `all`, new items get factors too, from the users of their first interactions."""
    items: CatalogConfig | None = None
    """The candidate items. Default: all items of the model."""
    rules: RulesConfig = RulesConfig()
    """Rules of the lists."""
    fallback: Annotated[
        tuple[FallbackName, ...], Field(strict=False, json_schema_extra={"uniqueItems": True})
    ] = ("popular",)
    """Sources of items for users without history, and for slots that the model cannot fill, in this order: `segment_popular` (most users in the user's segment), `recent_popular` (most users lately), `popular` (most users). With an empty list, users without history get no list, and a row in the shortfall table."""
    recent_half_life: Literal["auto"] | Duration = "auto"
    """Half-life of `recent_popular`. auto: the half-life of recent demand in the model, or 7 days if it has none."""
    segments: SegmentsFile | None = None
    """The segments of users, for `segment_popular` and `guests`."""
    guests: Guests | None = None
    """Lists for users who are unknown when lists are read."""
    because: int = Field(default=0, ge=0, le=100)
    """Number of reasons per item: the items of the user's history that contribute most to its score, in the columns `because` and `because_shares`. CSV and SQLite cannot store them, and databases cannot with `layout: lists`."""
    block_users: int = Field(default=4096, ge=1, le=1_000_000)
    """Maximum number of users that are ranked at a time, which bounds the memory. Long lists reduce it: a block has a million slots at most."""
    churn: ChurnConfig | None = None
    """How far new lists may differ from the published ones. The first lists of an output have nothing to differ from."""
    output: OutputConfig = OutputConfig()
    """The output of the lists."""

    @field_validator("fallback")
    @classmethod
    def _are_different(cls, names: tuple[FallbackName, ...]) -> tuple[FallbackName, ...]:
        if len(set(names)) < len(names):
            raise ValueError("a source occurs twice")
        return names

    def read_paths(self) -> dict[str, str]:
        """Return the paths of all tables that the lists depend on, by key, in the order in which they are read."""
        rules, items = self.rules, self.items
        tables = {
            "users.file": self.users.file if isinstance(self.users, UsersFile) else None,
            "items.catalog": None if items is None else items.catalog,
            "items.allow.file": None if items is None or items.allow is None else items.allow.file,
            "items.deny.file": None if items is None or items.deny is None else items.deny.file,
            "rules.user_allow.file": None if rules.user_allow is None else rules.user_allow.file,
            "rules.user_deny.file": None if rules.user_deny is None else rules.user_deny.file,
            **{f"rules.pinned[{k}].file": one.file for k, one in enumerate(rules.pinned)},
            **{f"rules.promoted[{k}].file": one.file for k, one in enumerate(rules.promoted)},
            "segments.file": None if self.segments is None else self.segments.file,
        }
        return {f"recommend.{key}": path for key, path in tables.items() if path is not None}
