"""Recognition of files that als wrote, by their manifest."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from als_cli.storage.documents import MAXIMUM_BYTES

MANIFEST = "manifest.json"


class OwnFile(BaseModel):
    """A file that is named in a manifest."""

    model_config = ConfigDict(frozen=True)
    path: str


class OwnManifest(BaseModel):
    """The fields of all manifests of als, in any format version. Other JSON documents lack some of them."""

    model_config = ConfigDict(frozen=True)
    kind: str
    format_version: int
    tool_version: str
    key: str
    outputs: tuple[OwnFile, ...]


def own_manifest(path: Path) -> OwnManifest | None:
    """Return the manifest at `path`; None if there is no file or als did not write it."""
    try:
        if path.stat().st_size > MAXIMUM_BYTES:
            return None
        return OwnManifest.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
