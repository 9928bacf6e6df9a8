"""The column of a table that the config refers to, by name or by number."""

import difflib
from collections.abc import Sequence

from als_cli.config.source import ColumnRef
from als_cli.errors import ConfigError, counted

_COLUMNS_SHOWN = 20


class MissingColumnError(ConfigError):
    """A table has no column with the name that the config gives (exit code 2)."""


def column(names: Sequence[str], ref: ColumnRef, *, key: str, file: str) -> str:
    """Return the column of `names` that `ref` refers to, by name or by number from 1.

    The message names the config key `key` and the table `file`.

    Raises
    ------
    ConfigError
        The file lacks a column. The hint suggests a similar name.
    """
    if isinstance(ref, int):
        if 1 <= ref <= len(names):
            return _not_a_pattern(names[ref - 1], key=key, file=file)
        raise ConfigError(
            f"{key} is column {ref}, but {file} has {counted(len(names), 'column')}",
            hint=f"its columns: {_listed(names)}",
        )
    if ref in names:
        return _not_a_pattern(ref, key=key, file=file)
    folded = {name.casefold().strip(): name for name in names}
    near = difflib.get_close_matches(ref.casefold(), folded, n=1, cutoff=0.6)
    hint = f"did you mean {folded[near[0]]!r}? " if near else ""
    raise MissingColumnError(
        f"{key}: {file} has no column {ref!r}", hint=f"{hint}its columns: {_listed(names)}"
    )


def _not_a_pattern(name: str, *, key: str, file: str) -> str:
    # polars selects several columns by these names.
    if name == "*" or (name.startswith("^") and name.endswith("$")):
        raise ConfigError(
            f"{key}: column {name!r} of {file} has the form of a pattern and cannot be used",
            hint="rename the column in the file",
        )
    return name


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _COLUMNS_SHOWN
    return ", ".join(names[:_COLUMNS_SHOWN]) + (f" and {more} more" if more > 0 else "")
