"""The format of a table, from the suffix of its file name or from its first bytes."""

from pathlib import Path

from als_cli.config.source import TableFormat
from als_cli.tables.decompression import FORMAT_OF_SUFFIX, Content, name_inside, open_decompressed


def format_of(name: str, content: Content, fmt: TableFormat) -> str:
    """Return csv, parquet, ndjson or ipc: the declared format, or the format of the suffix or of the first bytes.

    Raises
    ------
    PackedTableError
        The file is an Excel workbook, or a zip archive with several tables or with no table of text.
    """
    if fmt.format != "auto":
        return fmt.format
    suffix = Path(name_inside(name, content)).suffix.lower()
    if suffix in FORMAT_OF_SUFFIX:
        return FORMAT_OF_SUFFIX[suffix]
    with open_decompressed(content) as stream:
        first_bytes = stream.read(8)
    if first_bytes[:4] == b"PAR1":
        return "parquet"
    if first_bytes[:6] == b"ARROW1":
        return "ipc"
    return "ndjson" if first_bytes.lstrip()[:1] == b"{" else "csv"
