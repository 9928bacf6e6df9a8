"""Key-value pairs for bulk loads of caches: NDJSON, or commands in the protocol of Redis (RESP).

A key is the prefix and the user id. A value has all other columns of the lists: an array with an object per slot for
layout `rows`, an object with arrays for layout `lists`.
"""

import io
from typing import BinaryIO

import polars as pl

from als_cli.config.output import KeyValueConfig

_VALUE = b'{"value":'


class KeyValueWriter:
    """Writes a line or a command per user. All rows of a user must be in one frame."""

    def __init__(self, stream: BinaryIO, config: KeyValueConfig, layout: str, *, as_commands: bool) -> None:
        self._stream, self._config, self._as_commands = stream, config, as_commands
        self._has_rows = layout == "rows"

    def write(self, frame: pl.DataFrame) -> None:
        """Append the users of `frame`, whose first column is the user."""
        if not frame.height:
            return
        user, *rest = frame.columns
        key = (pl.lit(self._config.prefix) + pl.col(user).cast(pl.String)).alias("key")
        slots = pl.struct(rest).alias("value")
        if self._has_rows:
            frame = frame.group_by(user, maintain_order=True).agg(*map(pl.col, rest), slots)
            slots = pl.col("value")
        if not self._as_commands:
            self._stream.write(_ndjson(frame.select(key, slots)))
        elif self._config.command == "set":
            self._write_set(frame.select(key)["key"], _ndjson(frame.select(slots)))
        else:
            items = "item_id" if self._has_rows else "item_ids"
            self._write_rpush(frame.select(key, pl.col(items).cast(pl.List(pl.String)).alias("items")))

    def close(self) -> None:
        """Write what is buffered."""
        self._stream.flush()

    def _write_set(self, keys: pl.Series, lines: bytes) -> None:
        # A JSON text has no line break, and each line is {"value":…}.
        values = (line[len(_VALUE) : -1] for line in lines.splitlines())
        expire = () if self._seconds is None else (b"EX", self._seconds)
        commands = (
            _command(b"SET", key.encode(), value, *expire) for key, value in zip(keys, values, strict=True)
        )
        self._stream.write(b"".join(commands))

    def _write_rpush(self, lists: pl.DataFrame) -> None:
        """Replace each list in a transaction, so that readers find the old list or the new one."""
        for text, items in lists.iter_rows():
            key = text.encode()
            commands = [_command(b"MULTI"), _command(b"DEL", key)]
            commands.append(_command(b"RPUSH", key, *(item.encode() for item in items)))
            if self._seconds is not None:
                commands.append(_command(b"EXPIRE", key, self._seconds))
            self._stream.write(b"".join([*commands, _command(b"EXEC")]))

    @property
    def _seconds(self) -> bytes | None:
        expire = self._config.expire
        return None if expire is None else str(max(1, round(expire.total_seconds()))).encode()


def _ndjson(frame: pl.DataFrame) -> bytes:
    lines = io.BytesIO()  # polars would turn a broken pipe into an error without errno
    frame.write_ndjson(lines)
    return lines.getvalue()


def _command(*words: bytes) -> bytes:
    """Return a command as a RESP array of bulk strings."""
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
