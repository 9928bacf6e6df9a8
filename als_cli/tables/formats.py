"""The format of a table, from the suffix of its file name or from its first bytes."""

from pathlib import Path

from als_cli.config.source import TableFormat
from als_cli.errors import DataError
from als_cli.tables.delimited import Content, open_decompressed

FORMAT_OF_SUFFIX = {
    **dict.fromkeys((".csv", ".tsv", ".txt", ".data", ".item", ".dat"), "csv"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
    **dict.fromkeys((".ndjson", ".jsonl"), "ndjson"),
    **dict.fromkeys((".arrow", ".ipc", ".feather"), "ipc"),
}


def format_of(name: str, content: Content, fmt: TableFormat) -> str:
    """Return csv, parquet, ndjson or ipc: the declared format, or the format of the suffix or of the first bytes.

    Raises
    ------
    DataError
        The file is a zip archive.
    """
    if fmt.format != "auto":
        return fmt.format
    suffix = Path(name.removesuffix(".gz").removesuffix(".zst")).suffix.lower()
    if suffix in FORMAT_OF_SUFFIX:
        return FORMAT_OF_SUFFIX[suffix]
    with open_decompressed(content) as stream:
        first_bytes = stream.read(8)
    if first_bytes[:4] == b"PK\x03\x04":
        raise DataError(
            f"{name} is a zip archive", hint="unpack it first, for example `unzip -p FILE | als …`"
        )
    if first_bytes[:4] == b"PAR1":
        return "parquet"
    if first_bytes[:6] == b"ARROW1":
        return "ipc"
    return "ndjson" if first_bytes.lstrip()[:1] == b"{" else "csv"
