"""The files of published lists, and the check that only files of als are replaced."""

import os
from pathlib import Path

from als_cli.errors import ConfigError
from als_cli.storage.ownership import MANIFEST, own_manifest
from als_cli.storage.publish import check_place
from als_cli.storage.sinks.target import Target

KIND = "recommendations"
SHORTFALL = "shortfall.parquet"


def check_replaceable(target: Target) -> None:
    """Return when als wrote all files that lists at `target` would replace.

    Raises
    ------
    ConfigError
        als did not write one of these files.
    """
    path = Path(target.path)
    if target.kind == "folder":
        check_place(path)
    if target.kind != "file" or path.is_dir():
        return
    own = own_names(path)
    for file in files_of(path):
        if os.path.lexists(file) and file.name not in own:
            raise ConfigError(
                f"{file} was not written by als, so it is not replaced",
                hint="move it away, or choose another path with recommend.output.path or --output",
            )


def files_of(path: Path) -> tuple[Path, Path, Path]:
    """Return the paths of the lists at file `path`, their shortfall and their manifest."""
    return path, shortfall_beside(path), manifest_beside(path)


def manifest_beside(path: Path) -> Path:
    """Return the path of the manifest of the lists at file `path`."""
    return path.with_name(f"{path.stem}.{MANIFEST}")


def shortfall_beside(path: Path) -> Path:
    """Return the path of the shortfall table of the lists at file `path`."""
    return path.with_name(f"{path.stem}.{SHORTFALL}")


def own_names(path: Path) -> set[str]:
    """Return the names of the files that als wrote for the lists at `path`, according to their manifest."""
    beside = manifest_beside(path)
    manifest = own_manifest(beside)
    if manifest is None or manifest.kind != KIND:
        return set()
    return {beside.name, *manifest.earlier_outputs, *(output.path for output in manifest.outputs)}


def earlier_outputs(path: Path) -> tuple[str, ...]:
    """Return the names of existing files that als wrote for lists at `path` in other formats."""
    others = own_names(path) - {file.name for file in files_of(path)}
    return tuple(sorted(name for name in others if path.with_name(name).exists()))
