"""How als knows its own files again: by the manifest that it wrote with them."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

MANIFEST = "manifest.json"


class OwnFile(BaseModel):
    """A file that a manifest names."""

    model_config = ConfigDict(frozen=True)
    path: str


class OwnManifest(BaseModel):
    """The fields that every manifest of als has, whatever its format version; other JSON documents lack some."""

    model_config = ConfigDict(frozen=True)
    kind: str
    format_version: int
    tool_version: str
    key: str
    outputs: tuple[OwnFile, ...]
    earlier_outputs: tuple[str, ...] = ()


def own_manifest(path: Path) -> OwnManifest | None:
    """Return the manifest at `path`; None where there is no file, or where als did not write it."""
    try:
        return OwnManifest.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
