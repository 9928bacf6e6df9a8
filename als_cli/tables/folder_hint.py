"""The glob that matches the tables in a folder, for hints."""

import glob
import os
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from als_cli.tables.decompression import FORMAT_OF_SUFFIX

_MAXIMUM_FILES = 10_000
"""Maximum number of files to list. A folder can have millions."""
_COMPRESSIONS = (".gz", ".zst", ".zip")
_MARKERS = (".", "_")
"""First characters of file names without rows, for example _SUCCESS and .part-0.crc."""


def folder_hint(folder: Path) -> str:
    """Return a hint with the glob that matches most tables in `folder`."""
    try:
        found = folder_glob(folder)
    except OSError:
        return "use a glob that matches its files"
    if found is None:
        return "the folder has no files; check the path"
    pattern, others = found
    also = f" (the folder also has {', '.join(others)})" if others else ""
    return f"use a glob that matches its files: {pattern}{also}"


def folder_glob(folder: Path) -> tuple[str, tuple[str, ...]] | None:
    """Return the glob that matches most tables in `folder`, and the globs of its other tables; None without files.

    Files in the folder itself have priority over files in its subfolders, for example Hive partitions.

    Raises
    ------
    OSError
        The folder may not be read.
    """
    below = list(islice(_files_below(folder), _MAXIMUM_FILES))
    if not below:
        return None
    depths = {len(file.parts) for file in below if _table_suffix(file)} or {len(file.parts) for file in below}
    depth = min(depths)
    kinds = Counter(_table_suffix(file) for file in below if len(file.parts) == depth)
    suffix = max(kinds, key=lambda kind: (bool(kind), kinds[kind], kind))
    levels = ["*"] * (depth - 1) if len(depths) == 1 else ["**"] * (depth > 1)
    pattern = os.path.join(glob.escape(str(folder)), *levels, f"*{suffix}" if suffix else "[!_]*")  # noqa: PTH118 - a pattern, not a path
    return pattern, tuple(f"*{kind}" for kind in sorted(kinds) if kind not in ("", suffix))


def _files_below(folder: Path) -> Iterator[Path]:
    for root, folders, files in os.walk(folder, onerror=_raise):
        folders[:] = sorted(name for name in folders if not name.startswith(_MARKERS))
        yield from (
            (Path(root) / name).relative_to(folder) for name in sorted(files) if not name.startswith(_MARKERS)
        )


def _raise(error: OSError) -> None:
    raise error


def _table_suffix(file: Path) -> str:
    """Return the suffix of a table, for example ``.csv.gz``, or an empty text if the file is not a known table."""
    compression = file.suffix if file.suffix.lower() in _COMPRESSIONS else ""
    suffix = Path(file.name.removesuffix(compression)).suffix
    return suffix + compression if suffix.lower() in FORMAT_OF_SUFFIX else ""
