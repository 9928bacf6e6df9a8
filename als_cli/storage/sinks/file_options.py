"""Rules of the keys of `recommend.output` that shape files: compression, shards, partitions."""

from als_cli.config.output import OutputConfig
from als_cli.errors import ConfigError

SHARD = "shard"
"""Name in `partition_by` that stands for the number of the shard."""
_LEVELS = {"zstd": 22, "gzip": 9}
"""Highest level of each compression that has levels."""


def check_compression(output: OutputConfig) -> None:
    """Return when `compression_level` is a level of `compression`.

    Raises
    ------
    ConfigError
        The compression has no levels, or not this one.
    """
    if output.compression_level is None:
        return
    highest = _LEVELS.get(output.compression)
    if highest is None:
        raise ConfigError(
            f"recommend.output.compression {output.compression} has no levels",
            hint="leave out recommend.output.compression_level, or set compression to zstd or gzip",
        )
    if output.compression_level > highest:
        raise ConfigError(
            f"recommend.output.compression_level is {output.compression_level}, but {output.compression} has"
            f" levels 1 to {highest}",
            hint="lower the level",
        )


def check_partitions(kind: str, output: OutputConfig) -> None:
    """Return when an output of `kind` can have the shards and partitions of `output`.

    Raises
    ------
    ConfigError
        The output is no folder, `shard` is used without shards, or a column is named twice.
    """
    for key, value in (("shards", output.shards), ("partition_by", output.partition_by)):
        if value and kind != "folder" and (kind, key) != ("delta", "partition_by"):
            raise ConfigError(
                f"recommend.output.{key} needs a folder of files, but recommend.output.path is {output.path}"
                + (" with format delta" if kind == "delta" else ""),
                hint=f"name a folder, or leave out recommend.output.{key}",
            )
    if SHARD in output.partition_by and output.shards is None:
        raise ConfigError(
            "recommend.output.partition_by has shard, but recommend.output.shards is not set",
            hint="set recommend.output.shards to the number of shards",
        )
    if len(set(output.partition_by)) < len(output.partition_by):
        raise ConfigError("recommend.output.partition_by names a column twice", hint="name each column once")
