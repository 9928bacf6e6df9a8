"""Parquet and Arrow files that polars cannot read. pyarrow finds them, because polars panics or aborts the process."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from als_cli.errors import DataError

_UNSUPPORTED = (
    pa.types.is_decimal256,
    pa.types.is_run_end_encoded,
    pa.types.is_list_view,
    pa.types.is_large_list_view,
    pa.types.is_union,
    pa.types.is_interval,
)


def check_column_types(content: Path | bytes, kind: str, file: str) -> None:
    """Return when polars can read the types of all columns of a Parquet (`kind` parquet) or Arrow file (ipc).

    All record batches of an Arrow file are decoded one by one. polars trusts the sizes in the file: it aborts the
    process if it cannot allocate as much. A Parquet file whose schema pyarrow cannot read is left to polars, which
    names the reason.

    Raises
    ------
    DataError
        A column has another type, or a time zone that is not in the time zone database.
    pyarrow.ArrowException, OSError
        The Arrow file is broken.
    """
    with pa.memory_map(str(content)) if isinstance(content, Path) else pa.BufferReader(content) as source:
        if kind == "ipc":
            reader = pa.ipc.open_file(source)
            check_schema(reader.schema, file)
            for number in range(reader.num_record_batches):
                reader.get_batch(number)
            return
        try:
            schema = pq.read_schema(source)
        except (pa.ArrowException, OSError, ValueError):
            return
        check_schema(schema, file)


def check_schema(schema: pa.Schema, file: str) -> None:
    """Return when polars can read the types of all columns of `schema`, the schema of table `file`.

    Raises
    ------
    DataError
        A column has another type.
    """
    for field in schema:
        for kind_of_value in _types_in(field.type):
            reason = _reason(kind_of_value)
            if reason is not None:
                raise DataError(
                    f"{file}: column {field.name!r} has type {field.type}, {reason}",
                    hint="convert the column in the export, or leave it out",
                )


def _types_in(whole: pa.DataType) -> Iterator[pa.DataType]:
    """Yield `whole` and the types of its fields, values and storage."""
    yield whole
    if isinstance(whole, pa.BaseExtensionType):
        yield from _types_in(whole.storage_type)
    elif pa.types.is_dictionary(whole):
        yield from _types_in(whole.value_type)
    else:
        for number in range(whole.num_fields):
            yield from _types_in(whole.field(number).type)


def _reason(kind: pa.DataType) -> str | None:
    if any(is_type(kind) for is_type in _UNSUPPORTED):
        return "which is not supported"
    if pa.types.is_timestamp(kind) and kind.tz and not _is_known_zone(kind.tz):
        return "and this time zone is not supported; times in UTC are"
    return None


def _is_known_zone(zone: str) -> bool:
    instant = pl.lit(0).cast(pl.Datetime("us", "UTC"))
    try:
        pl.select(instant.dt.convert_time_zone(zone))
    except pl.exceptions.PolarsError:
        return False
    return True
