"""Section `recommend.output`: the place and the form of the lists."""

from typing import Annotated, Literal

from pydantic import Field

from als_cli.config.database import DatabaseConfig
from als_cli.config.fields import Duration, PathText, Section


class KeyValueConfig(Section):
    """Keys and commands of the formats `kv` and `resp`."""

    prefix: str = ""
    """Text before the user id in each key, for example `recs:`."""
    command: Literal["set", "rpush"] = "set"
    """Of `resp`: `set` stores the list of a user as JSON; `rpush` replaces a Redis list of item ids."""
    expire: Duration | None = None
    """Of `resp`: time after which a key expires, in whole seconds. Default: never."""


class OutputConfig(Section):
    """The output of the lists."""

    path: PathText = Field(default="out/recommendations", validate_default=True)
    """A folder of part files; one file if the name ends in .parquet, .csv, .ndjson, .arrow or .resp; or `-` for stdout. Another suffix of letters is an error. The output must be outside the workspace and must not overwrite an input."""
    format: Literal["parquet", "csv", "ndjson", "ipc", "kv", "resp", "delta"] = "parquet"
    """File format. It must agree with the suffix of a file name. `kv` is NDJSON with a key and a value per user. `resp` is a file of Redis commands. `delta` is a Delta Lake table in a folder."""
    layout: Literal["rows", "lists"] = "rows"
    """`rows`: one row per user and rank; `lists`: one row per user."""
    compression: Literal["zstd", "snappy", "lz4", "gzip", "none"] = "zstd"
    """Compression of Parquet files. Other formats ignore it."""
    compression_level: int | None = Field(default=None, ge=1, le=22)
    """Level of `zstd` (1 to 22) or `gzip` (1 to 9). Default: the level that the library chooses."""
    row_group_rows: int = Field(default=122_880, ge=1, le=100_000_000)
    """Rows in one row group of a Parquet file. The rows of an unfinished row group are kept in memory, for each open file."""
    users_per_part: int = Field(default=1_000_000, ge=1, le=1_000_000_000)
    """Maximum number of users in one part file of a folder."""
    shards: int | None = Field(default=None, ge=1, le=1000)
    """Number of shards of a folder. A user is always in the same shard: the CRC-32 of the id as UTF-8 text, modulo this number. Default: no shards."""
    partition_by: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Columns that become folders `COLUMN=VALUE` (Hive partitions) in a folder, for example `[source]`. `shard` is the number of the shard."""
    mode: Literal["overwrite", "merge"] = "overwrite"
    """Of Delta tables: `overwrite` replaces all rows; `merge` replaces the rows of the users of this run only."""
    key_value: KeyValueConfig = KeyValueConfig()
    """Keys and commands of the formats `kv` and `resp`."""
    keep: int = Field(default=5, ge=1, le=1000)
    """Number of versions of the lists that stay on disk, the published one included."""
    changes: Literal["items", "rows"] | None = None
    """Also write the changes since the published lists, beside the lists: the new lists of changed users (`upsert`), and users without a list (`delete`). A list has changed with `items` if its items or their order differ, with `rows` if any value differs, for example a score. Default: no changes are written."""
    database: DatabaseConfig | None = None
    """A database instead of a file or a folder. Then `path` must be absent."""
