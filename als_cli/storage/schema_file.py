"""The JSON Schema of the config in a file of the user, beside their configs."""

from pathlib import Path

from als_cli.errors import ConfigError, refusals_at
from als_cli.storage.publish import staged_file

_MARK = '"title": "The config of als-cli"'
_HEAD = 1000


def write_schema(path: Path, text: str) -> None:
    """Write the schema `text` to `path`. An older schema of als-cli is replaced.

    Raises
    ------
    ConfigError
        Another file is at `path`.
    ResourceError
        `path` is a folder, or cannot be written.
    """
    with refusals_at(path):
        if path.is_file() and path.stat().st_size and not _is_schema(path):
            raise ConfigError(
                f"{path} is not a schema of als-cli, so als does not replace it",
                hint="move it away, or choose another path",
            )
    with staged_file(path) as partial:
        partial.write_text(text, encoding="utf-8")


def _is_schema(path: Path) -> bool:
    with path.open(encoding="utf-8", errors="replace") as file:
        return _MARK in file.read(_HEAD)
