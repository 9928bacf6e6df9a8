"""JSON documents of artifacts, read with a limit of size and depth, and the checksum that is stored inside a document."""

import hashlib
import json
from pathlib import Path
from typing import Any

CHECKSUM = "checksum"
"""Key of the checksum in a document: SHA-256 of all other keys and values."""
MAXIMUM_BYTES = 64 << 20
"""A manifest that names 100,000 input files has 25 MiB."""


def read_document(path: Path) -> Any:
    """Return the JSON value in the file at `path`.

    Raises
    ------
    FileNotFoundError
        There is no file.
    OSError
        The file cannot be read.
    ValueError
        The file is too large, not UTF-8, not JSON, or nested too deeply.
    """
    with path.open("rb") as stream:
        content = stream.read(MAXIMUM_BYTES + 1)
    if len(content) > MAXIMUM_BYTES:
        raise ValueError(f"it has more than {MAXIMUM_BYTES >> 20} MiB")
    try:
        return json.loads(content.decode("utf-8"))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def with_checksum(document: dict[str, Any]) -> dict[str, Any]:
    """Return `document` with its checksum as the last key."""
    return {**document, CHECKSUM: _checksum(document)}


def is_intact(document: dict[str, Any]) -> bool:
    """Return whether `document` has the checksum of its content. The order of keys and white space do not matter."""
    return document.get(CHECKSUM) == _checksum(document)


def _checksum(document: dict[str, Any]) -> str:
    content = {key: value for key, value in document.items() if key != CHECKSUM}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
