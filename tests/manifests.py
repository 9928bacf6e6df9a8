"""Changes of manifests that keep their checksum right, as another version of als-cli or a stranger could write them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from als_cli.storage.checksums import file_crc32
from als_cli.storage.documents import with_checksum
from als_cli.storage.manifest import file_sha256
from als_cli.storage.ownership import MANIFEST


def rewrite_manifest(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Let `change` modify the manifest in `folder`, and write it with its new checksum."""
    path = folder / MANIFEST
    raw = json.loads(path.read_text(encoding="utf-8"))
    change(raw)
    path.write_text(json.dumps(with_checksum(raw)), encoding="utf-8")


def accept_files(folder: Path) -> None:
    """Write the present sizes and checksums of all files into the manifest in `folder`."""

    def describe(raw: dict[str, Any]) -> None:
        for output in raw["outputs"]:
            path = folder / output["path"]
            output |= {"bytes": path.stat().st_size, "sha256": file_sha256(path), "crc32": file_crc32(path)}

    rewrite_manifest(folder, describe)
