"""The name of a job: its workspace and its output have this name."""

import glob
import os
import re
from pathlib import Path

from als_cli.config.fields import working_folder
from als_cli.tables.decompression import FORMAT_OF_SUFFIX

_GENERIC = re.compile(
    r"u|train(ing)?|test|valid(ation)?|data(set)?|events?|ratings?|interactions?|logs?|table|export|all|\d+"
    r"|part[-_]?\d+.*",
    re.IGNORECASE,
)
"""Names of files that do not say what the job is about."""
_COMPRESSIONS = {".gz", ".zst", ".zip"}
_DEFAULT = "als"
_UNUSUAL = re.compile(r"[^A-Za-z0-9_-]+")


def job_name(source: str) -> str:
    """Return the name of the job for the path, the folder or the glob `source`: letters, digits, ``_`` and ``-``.

    It is the name of the folder, or of the file. For a glob and for a file with a generic name, it is the name of the
    folder above.
    """
    path = Path(os.path.normpath(working_folder() / source))
    folder = path if path.is_dir() else path.parent
    while glob.has_magic(folder.name) or "=" in folder.name:
        folder = folder.parent
    stem = "" if path.is_dir() or (glob.has_magic(path.name) and not path.exists()) else _stem(path)
    names = [folder.name, stem] if not stem or _GENERIC.fullmatch(stem) else [stem]
    return next((name for name in map(cleaned, names) if name != _DEFAULT), _DEFAULT)


def cleaned(name: str) -> str:
    """Return `name` with a hyphen for each group of other characters than letters, digits, ``_`` and ``-``."""
    return _UNUSUAL.sub("-", name).strip("-") or _DEFAULT


def _stem(path: Path) -> str:
    """Return the name without the suffixes of a table: ``sales`` for sales.csv.gz."""
    while path.suffix.lower() in {*_COMPRESSIONS, *FORMAT_OF_SUFFIX}:
        path = path.with_suffix("")
    return path.name
