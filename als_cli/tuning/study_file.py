"""The SQLite file of `als tune`: how it is created, and the checks of its pages before Optuna opens it."""

import secrets
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from als_cli.errors import ArtifactError


def create_whole(file: Path, create: Callable[[Path], None]) -> None:
    """Let `create` write the database `file` if it does not exist. It gets its name when it is complete.

    So a file without content is never a new database. It was cut off.
    """
    if file.exists():
        return
    for left in file.parent.glob(f".{file.name}.*.partial*"):
        left.unlink(missing_ok=True)  # of a run that was killed
    partial = file.with_name(f".{file.name}.{secrets.token_hex(4)}.partial")
    try:
        create(partial)
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


def check_pages(file: Path) -> None:
    """Return when all pages, indices and references of the database `file` are sound.

    Raises
    ------
    ArtifactError
        The file is empty, cut off or damaged.
    sqlite3.OperationalError
        The file cannot be opened.
    """
    if file.is_file() and file.stat().st_size == 0:
        raise invalid_study(file, "the file is empty")
    try:
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA cell_size_check = ON")
            found = [row[0] for row in connection.execute("PRAGMA integrity_check(1)")]
            orphans = connection.execute("PRAGMA foreign_key_check").fetchone()
    except sqlite3.OperationalError as refused:
        if any(word in str(refused) for word in ("unable to open", "disk", "readonly", "locked")):
            raise
        raise invalid_study(file, refused) from refused
    except (sqlite3.DatabaseError, UnicodeDecodeError, OverflowError) as damaged:
        raise invalid_study(file, damaged) from damaged
    if found != ["ok"]:
        raise invalid_study(file, found[0] if found else "no result of the check")
    if orphans is not None:
        raise invalid_study(file, f"a row of table {orphans[0]} belongs to no row of {orphans[2]}")


def invalid_study(file: Path, reason: object) -> ArtifactError:
    """Return the error for the database `file`. Only the first line of `reason` is shown."""
    first = (str(reason).splitlines() or [""])[0][:200]
    return ArtifactError(
        f"{file} is not a valid study: {first}", hint="move the file away to start a new search"
    )
