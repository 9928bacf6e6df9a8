"""A table file that is being written."""

from contextlib import ExitStack, suppress
from pathlib import Path

import polars as pl
import pyarrow as pa

from als_cli.storage.sinks.tables import TableOptions, table_writer


class OpenTable:
    """Writes the frames of one table to a file."""

    def __init__(
        self, path: Path, format_name: str, schema: pl.Schema, streams: ExitStack, options: TableOptions
    ) -> None:
        """Open `path`. `streams` closes the file if :meth:`close` was not called."""
        self.path = path
        self._streams = ExitStack()
        self._stream = self._streams.enter_context(path.open("wb"))
        self._writer = table_writer(format_name, self._stream, schema, options=options)
        self._open = True
        streams.callback(self._abandon)

    def write(self, frame: pl.DataFrame) -> None:
        """Append the rows of `frame`."""
        self._writer.write(frame)

    def close(self) -> None:
        """Write the end of the table and close the file."""
        self._open = False
        try:
            self._writer.close()
        finally:
            self._streams.close()

    def _abandon(self) -> None:
        # After a failure the file is removed, but the writer must be closed while its stream is open.
        if self._open:
            with suppress(
                OSError, pa.ArrowException
            ):  # Arrow reports a second failure as an error of its own
                self._writer.close()
        with suppress(OSError):
            self._streams.close()
