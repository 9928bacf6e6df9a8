"""The part files of a folder of lists, in shards and Hive partitions."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zlib import crc32

import polars as pl

from als_cli.errors import ConfigError
from als_cli.storage.sinks.file_options import SHARD
from als_cli.storage.sinks.open_table import OpenTable
from als_cli.storage.sinks.target import SUFFIX_OF_FORMAT, Target

_KEY_CHARACTERS = 12
"""Number of characters of the key in the name of a part file."""
_MAXIMUM_OPEN = 1000
"""Maximum number of combinations of shards and partitions. Each keeps a file open."""
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
"""Value in the name of a folder whose rows have a null or an empty text."""


def shard_of(user_id: object, shards: int) -> int:
    """Return the shard of a user from 0: the CRC-32 of the id as UTF-8 text, modulo `shards`."""
    return crc32(str(user_id).encode()) % shards


class PartFiles:
    """Writes lists to part files. Each shard and partition has its own files, with at most `users_per_part` users each.

    The first column of the lists is the user.
    """

    def __init__(self, folder: Path, target: Target, schema: pl.Schema, streams: ExitStack) -> None:
        """Make `folder`, and the first file of each shard if they are not folders.

        Raises
        ------
        ConfigError
            The lists cannot be partitioned as `target` demands.
        """
        self._folder, self._target, self._streams = folder, target, streams
        self._user = schema.names()[0]
        self._by = target.output.partition_by
        _check_columns(self._by, schema)
        self._schema = pl.Schema({name: dtype for name, dtype in schema.items() if name not in self._by})
        self._parts: dict[tuple[Any, ...], _Part] = {}
        folder.mkdir()
        if not self._by:
            # All shards have a file, so that readers can open every shard by its number.
            for shard in range(target.output.shards or 1):
                self._part_of((shard,) if target.output.shards else ())

    def write(self, lists: pl.DataFrame, users: int) -> None:
        """Append the `lists` of `users` users."""
        for values, piece, piece_users in self._pieces(lists, users):
            self._part_of(values).write(piece.select(self._schema.names()), piece_users)

    def finish(self, key: str) -> None:
        """Close all files, and add the first characters of `key` to their names."""
        for part in self._parts.values():
            part.close()
        # A reader that has listed the old names must not find other lists under them.
        for path in sorted(path for path in self._folder.rglob("*") if path.is_file()):
            path.rename(path.with_name(f"{path.stem}-{key[:_KEY_CHARACTERS]}{path.suffix}"))

    def _pieces(self, lists: pl.DataFrame, users: int) -> list[tuple[tuple[Any, ...], pl.DataFrame, int]]:
        """Return the rows of each shard and partition: the shard and the values, the rows, the number of users."""
        shards, columns = self._target.output.shards, [name for name in self._by if name != SHARD]
        if shards is None and not columns:
            return [((), lists, users)]
        keys = [pl.col(name) for name in columns]
        if shards is not None:
            ids = lists[self._user].unique()
            numbers = pl.Series([shard_of(one, shards) for one in ids], dtype=pl.Int64)
            keys.insert(0, pl.col(self._user).replace_strict(ids, numbers, return_dtype=pl.Int64))
        keyed = lists.with_columns(key.alias(f"\0{number}") for number, key in enumerate(keys))
        groups = keyed.partition_by(
            [f"\0{number}" for number in range(len(keys))],
            as_dict=True,
            include_key=False,
            maintain_order=True,
        )
        return [(values, piece, piece[self._user].n_unique()) for values, piece in groups.items()]

    def _part_of(self, values: tuple[Any, ...]) -> "_Part":
        if values not in self._parts:
            if len(self._parts) == _MAXIMUM_OPEN:
                raise ConfigError(
                    f"recommend.output.partition_by {', '.join(self._by)} gives more than {_MAXIMUM_OPEN} partitions",
                    hint="partition by columns with fewer values, or lower recommend.output.shards",
                )
            self._parts[values] = self._new_part(values)
        return self._parts[values]

    def _new_part(self, values: tuple[Any, ...]) -> "_Part":
        rest = iter(values)
        named = {SHARD: next(rest)} if self._target.output.shards else {}
        named |= {name: next(rest) for name in self._by if name != SHARD}
        folder = self._folder.joinpath(*(f"{quote(name)}={_written(named[name])}" for name in self._by))
        folder.mkdir(parents=True, exist_ok=True)
        prefix = "" if SHARD not in named or SHARD in self._by else f"shard-{named[SHARD]:05d}-"
        return _Part(folder, prefix, self._target, self._schema, self._streams)


class _Part:
    """The files of one shard and partition."""

    def __init__(
        self, folder: Path, prefix: str, target: Target, schema: pl.Schema, streams: ExitStack
    ) -> None:
        self._folder, self._prefix, self._target = folder, prefix, target
        self._schema, self._streams = schema, streams
        self._files = 0
        self._file = self._next_file()

    def write(self, lists: pl.DataFrame, users: int) -> None:
        if self._users and self._users + users > self._target.users_per_part:
            self._file.close()
            self._file = self._next_file()
        self._file.write(lists)
        self._users += users

    def close(self) -> None:
        self._file.close()

    def _next_file(self) -> OpenTable:
        name = f"{self._prefix}part-{self._files:05d}{SUFFIX_OF_FORMAT[self._target.format]}"
        self._files += 1
        self._users = 0
        path = self._folder / name
        return OpenTable(path, self._target.format, self._schema, self._streams, self._target.table_options)


def _check_columns(partition_by: tuple[str, ...], schema: pl.Schema) -> None:
    possible = [
        name
        for name, dtype in list(schema.items())[1:]
        if dtype in (pl.String, pl.Boolean, pl.Date) or dtype.is_integer()
    ]
    if SHARD in partition_by and SHARD in schema:
        raise ConfigError(
            "recommend.output.partition_by: the lists have a column shard", hint="leave out shard"
        )
    for name in partition_by:
        if name != SHARD and name not in possible:
            raise ConfigError(
                f"recommend.output.partition_by: the lists cannot be partitioned by {name}",
                hint=f"choose one of {', '.join([*possible, SHARD])}",
            )


def _written(value: Any) -> str:
    """Return `value` as part of the name of a folder, with percent escapes as readers of Hive partitions decode them."""
    if value is None or value == "":
        return NO_VALUE
    return quote(str(value).lower() if isinstance(value, bool) else str(value), safe="")
