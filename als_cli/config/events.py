"""Section `events`: the sources of events, their checks and their weights."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from als_cli.config.fields import ConditionText, Duration, Instant, PathText, QueryText, Section
from als_cli.config.query import EVENTS_TABLE
from als_cli.config.source import ColumnsConfig, SourceConfig, TableConfig, TableFormat

IdType = Literal["auto", "int", "string"]


class IdTypesConfig(Section):
    """Types of the ids. `auto` keeps the type of a typed column. Text becomes int only if every id is a plain integer."""

    user: IdType = "auto"
    """Type of user ids."""
    item: IdType = "auto"
    """Type of item ids."""


class EventsConfig(TableFormat):
    """The raw events: sources, columns, checks and weights."""

    source: PathText | Annotated[tuple[PathText | SourceConfig, ...], Field(strict=False, min_length=1)]
    """A file, a glob, the folder of a Delta table, `-` (stdin), or a list of those, each optionally with its own columns and format."""
    query: QueryText | None = None
    """An SQL query (one SELECT) for nested columns, joins and casts. Its rows are the events. Table `events` has the rows of all sources. `where` and `columns` then apply to the result. See docs/init.md."""
    tables: dict[str, PathText | TableConfig] = Field(default={})
    """More tables for `query`, by name: a path, or a path with its format."""
    columns: ColumnsConfig = ColumnsConfig()
    """Column mapping of every source without a mapping of its own."""
    id_types: IdTypesConfig = IdTypesConfig()
    """Types of user and item ids in dataset, model and output."""
    where: ConditionText | None = None
    """An SQL condition on the raw columns of one row, for example `price > 0 and country = 'France'`. Other rows are dropped and counted."""

    timestamp_format: str = "auto"
    """`auto`, an epoch unit (`s`, `ms`, `us`, `ns`), `iso`, or a strftime pattern such as `%d/%m/%Y %H:%M`. Times without zone are UTC."""
    as_of: Instant | None = None
    """Events after this instant do not exist: they are left out before all checks, and counted. The instant is also the reference time of decay and of `recommend.users.active_since`. Needs `columns.timestamp`. Default: all events exist, and the reference time is the time of the newest event."""
    future_tolerance: Duration = Field(default="1d", validate_default=True)
    """Events that are later than the clock by more than this are bad rows. Has no effect with `as_of`."""

    types: dict[str, float] | None = None
    """Weight of each event type. Negative weights reduce the strength of a pair (refunds, dislikes)."""
    unlisted_types: Literal["drop", "reject"] = "drop"
    """Events whose type is not in `types`: `drop` ignores and counts them, `reject` treats them as bad rows."""
    value_transform: Literal["linear", "log1p"] = "linear"
    """How `columns.value` scales the weight of an event. `log1p` keeps the sign."""
    value_cap: float | None = Field(default=None, gt=0)
    """Maximum magnitude of a value. Larger values are capped before the transform."""
    negative: Literal["subtract", "drop", "reject"] = "subtract"
    """Events with a negative value (returns, cancellations): `subtract` reduces the strength of the pair, `drop` ignores and counts them, `reject` treats them as bad rows."""
    half_life: Duration | None = None
    """Time after which the weight of an event is halved. Default: no decay. Needs `columns.timestamp`."""
    duplicates: Literal["sum", "exact", "last", "max"] = "sum"
    """How several events of one pair are combined. `sum`: add all weights. `exact`: first drop rows that are equal in every mapped column. `last`, `max`: keep the newest event or the largest weight. In all four cases, a pair is dropped if its values add up to zero or less."""
    min_user_interactions: int = Field(default=1, ge=1, le=1_000_000_000)
    """Minimum number of distinct items per user. Users below it are removed, together with items below their minimum, until nothing changes."""
    min_item_interactions: int = Field(default=1, ge=1, le=1_000_000_000)
    """Minimum number of distinct users per item."""

    bad_rows: Literal["quarantine", "fail"] = "quarantine"
    """`quarantine`: write bad rows to rejected.parquet. `fail`: the run fails if there is a bad row."""
    max_bad_fraction: float = Field(default=0.05, ge=0, le=1)
    """Maximum fraction of bad rows. Above it, the run exits with code 3 and changes nothing."""

    @field_validator("tables")
    @classmethod
    def _have_names(cls, tables: dict[str, PathText | TableConfig]) -> dict[str, PathText | TableConfig]:
        for name in tables:
            if not name.isidentifier():
                raise ValueError(f"{name!r} is not a name of letters, digits and underscores")
            if name.lower() == EVENTS_TABLE:
                raise ValueError(f"table {EVENTS_TABLE} has the rows of events.source; use another name")
        return tables

    @property
    def further_tables(self) -> dict[str, TableConfig]:
        """The tables of `tables`, each with its path and format, by name."""
        return {
            name: TableConfig(path=table) if isinstance(table, str) else table
            for name, table in self.tables.items()
        }
