"""Section `events`: where events come from and what each is worth."""

from typing import Annotated, Literal

from pydantic import Field

from als_cli.config.fields import ConditionText, Duration, Instant, PathText, Section
from als_cli.config.source import ColumnsConfig, SourceConfig, TableFormat

IdType = Literal["auto", "int", "string"]


class IdTypesConfig(Section):
    """Types of the ids. `auto` keeps a typed column's type; text becomes int only where every id is a plain integer."""

    user: IdType = "auto"
    """Type of user ids."""
    item: IdType = "auto"
    """Type of item ids."""


class EventsConfig(TableFormat):
    """Raw events: sources, columns, checks and the signal recipe."""

    source: PathText | Annotated[tuple[PathText | SourceConfig, ...], Field(strict=False, min_length=1)]
    """A file, a glob, `-` (stdin), or a list of those, each optionally with its own columns and format."""
    columns: ColumnsConfig = ColumnsConfig()
    """Column mapping for every source that has none of its own."""
    id_types: IdTypesConfig = IdTypesConfig()
    """Types of user and item ids in dataset, model and output."""
    where: ConditionText | None = None
    """An SQL condition on the raw columns of one row, for example `price > 0 and country = 'France'`. Other rows are dropped and counted."""

    timestamp_format: str = "auto"
    """`auto`, an epoch unit (`s`, `ms`, `us`, `ns`), `iso`, or a strftime pattern such as `%d/%m/%Y %H:%M`. Times without zone are UTC."""
    now: Instant | None = None
    """The instant that decay counts from and that no event may lie after; default: the newest event."""
    future_tolerance: Duration = Field(default="1d", validate_default=True)
    """Events later than the clock (or `now`) by more than this are bad rows."""

    types: dict[str, float] | None = None
    """Weight of each event type. Negative weights take strength away (refunds, dislikes)."""
    unlisted_types: Literal["drop", "reject"] = "drop"
    """Types not in `types`: `drop` counts and ignores them, `reject` treats them as bad rows."""
    value_transform: Literal["linear", "log1p"] = "linear"
    """How `columns.value` scales the weight; log1p keeps the sign."""
    value_cap: float | None = Field(default=None, gt=0)
    """Largest magnitude of a value before the transform."""
    negative: Literal["subtract", "drop", "reject"] = "subtract"
    """Negative values (returns, cancellations): `subtract` from the pair's strength, `drop` and count, or `reject` as bad rows."""
    half_life: Duration | None = None
    """Time after which an event counts half; none: no decay. Needs `columns.timestamp`."""
    duplicates: Literal["sum", "exact", "last", "max"] = "sum"
    """Several events of one pair: `sum` adds all; `exact` first drops rows equal in every mapped column; `last` and `max` keep one event. A pair whose values add up to zero or less is dropped in all four."""
    min_user_interactions: int = Field(default=1, ge=1)
    """Users with fewer distinct items are left out; applied together with the item minimum until nothing changes."""
    min_item_interactions: int = Field(default=1, ge=1)
    """Items with fewer distinct users are left out."""

    bad_rows: Literal["quarantine", "fail"] = "quarantine"
    """Bad rows go to rejected.parquet, or make the run fail at the first one."""
    max_bad_fraction: float = Field(default=0.05, ge=0, le=1)
    """Fraction of bad rows past which the run fails (exit 3) and changes nothing."""
