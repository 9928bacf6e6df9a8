"""Candidates that are paths."""

import os
from collections.abc import Iterator

from als_cli.console.completion.candidates import Candidate

_CONFIG_SUFFIXES = (".yaml", ".yml")
_MAXIMUM = 500


def paths(start: str, suffixes: tuple[str, ...] = ()) -> Iterator[Candidate]:
    """Yield the folders and files whose path begins with `start`. With `suffixes`, other files are left out.

    Folders end in a slash. Hidden files need a dot in `start`.
    """
    head, slash, name = start.rpartition("/")
    folder = os.path.expanduser(head + slash) or "."  # noqa: PTH111 - a Path would lose the form that was typed
    found = sorted(os.scandir(folder), key=lambda entry: entry.name)
    visible = (entry for entry in found if entry.name.startswith(name) and (name or entry.name[0] != "."))
    count = 0
    for entry in visible:
        is_folder = entry.is_dir()
        if is_folder or not suffixes or entry.name.endswith(suffixes):
            yield Candidate(f"{head}{slash}{entry.name}{'/' if is_folder else ''}")
            count += 1
        if count == _MAXIMUM:
            return


def config_files(start: str) -> Iterator[Candidate]:
    """Yield folders and YAML files whose path begins with `start`."""
    return paths(start, _CONFIG_SUFFIXES)
