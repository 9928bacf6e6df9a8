"""The evaluations of lists that were shown: one JSON file and one Parquet file each, in one folder.

Nothing in the folder is changed or removed by later evaluations, so a ledger can collect the JSON files. The name of an
evaluation is the instant of the lists, the version of the lists and the last event. The same evaluation has the same
name, and replaces its files.
"""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import polars as pl

from als_cli import __version__
from als_cli.config.fields import parse_instant
from als_cli.errors import ArtifactError, refusals_at
from als_cli.evaluation.hindsight_report import Hindsight
from als_cli.storage.checksums import is_verifying
from als_cli.storage.documents import is_intact, read_document, with_checksum
from als_cli.storage.durable import make_folder
from als_cli.storage.manifest import file_sha256
from als_cli.storage.publish import staged_file
from als_cli.storage.repair import one_line

HINDSIGHT_FORMAT = 1
MOST_READ = 400
"""Maximum number of evaluations that are read: the newest ones."""
_SPOOL_PREFIX = ".spool-"
_NAME = re.compile(r"\d{8}T\d{6}Z--.+--(\d{8}T\d{6}Z|all)\.json")


@dataclass(frozen=True)
class StoredHindsight:
    """An evaluation of lists that were shown, and the time of its run."""

    found: Hindsight
    created: datetime


@dataclass(frozen=True)
class HindsightHistory:
    """The evaluations in a folder."""

    evaluations: tuple[StoredHindsight, ...]
    """The newest lists first. At least one."""
    broken: tuple[str, ...]
    """Names of files that are broken, and so are not in `evaluations`."""
    not_read: int
    """Older evaluations, which are not read."""


@contextmanager
def spool_in(folder: Path) -> Iterator[Path]:
    """Yield an empty folder in `folder`, which is removed afterwards. Remains of killed runs are removed first.

    Raises
    ------
    ResourceError
        `folder` cannot be written.
    """
    with refusals_at(folder):
        make_folder(folder)
        for left in folder.glob(f"{_SPOOL_PREFIX}*"):
            shutil.rmtree(left, ignore_errors=True)
        spool = Path(mkdtemp(prefix=_SPOOL_PREFIX, dir=folder))
    try:
        yield spool
    finally:
        shutil.rmtree(spool, ignore_errors=True)


def write_hindsight(folder: Path, found: Hindsight, per_user: pl.DataFrame, **run: Any) -> tuple[Path, Path]:
    """Write `found` and its metrics `per_user` into `folder`, and return the JSON file and the Parquet file.

    The Parquet file is written first, so a JSON file always has its table. `run` has the keys inputs, config, threads
    and seconds of the JSON document.

    Raises
    ------
    ResourceError
        `folder` cannot be written.
    """
    name = _name(found)
    table, document = folder / f"{name}.parquet", folder / f"{name}.json"
    with staged_file(table) as partial:
        per_user.write_parquet(partial)
    content = {
        "kind": "hindsight",
        "format_version": HINDSIGHT_FORMAT,
        "tool_version": __version__,
        "created": datetime.now(UTC).isoformat(),
        **found.model_dump(mode="json"),
        "per_user": {"file": table.name, "rows": per_user.height, "sha256": file_sha256(table)},
        **run,
    }
    with staged_file(document) as partial:
        text = json.dumps(with_checksum(content), indent=2, ensure_ascii=False)
        partial.write_text(text + "\n", encoding="utf-8")
    return document, table


def _name(found: Hindsight) -> str:
    last = found.later.last
    period = "all" if last is None else _stamp(last)
    return f"{_stamp(found.lists.instant)}--{found.lists.version or found.lists.content[:12]}--{period}"


def _stamp(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def read_hindsight(folder: Path) -> HindsightHistory | None:
    """Return the evaluations in `folder`, sorted by the name of their files; None if there are none.

    At most MOST_READ evaluations are read. A broken file is left out, unless it is the newest one.

    Raises
    ------
    ArtifactError
        The newest file is broken.
    ResourceError
        `folder` cannot be read.
    """
    if not folder.is_dir():
        return None
    with refusals_at(folder):
        names = sorted((one.name for one in folder.iterdir() if _NAME.fullmatch(one.name)), reverse=True)
    if not names:
        return None
    evaluations, broken = [_read(folder / names[0])], []
    for name in names[1:MOST_READ]:
        try:
            evaluations.append(_read(folder / name))
        except ArtifactError:
            broken.append(name)
    return HindsightHistory(tuple(evaluations), tuple(broken), max(0, len(names) - MOST_READ))


def _read(path: Path) -> StoredHindsight:
    try:
        document = read_document(path)
        found, created = Hindsight.model_validate(document), parse_instant(document["created"])
        json.dumps(document, allow_nan=False)
        reason = _reason_against(document, found)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as unreadable:
        raise _broken(path, one_line(unreadable)) from unreadable
    if reason:
        raise _broken(path, reason)
    return StoredHindsight(found, created)


def _reason_against(document: dict[str, Any], found: Hindsight) -> str:
    """Return why the evaluation `found` in `document` cannot be used; empty if it can."""
    if (document.get("kind"), document.get("format_version")) != ("hindsight", HINDSIGHT_FORMAT):
        return f"it is not an evaluation in format version {HINDSIGHT_FORMAT}"
    if is_verifying() and not is_intact(document):
        return "its content differs from its checksum"
    return "" if found.at and found.relevant and found.relevant[0].metrics else "it has no metrics"


def _broken(path: Path, reason: str) -> ArtifactError:
    return ArtifactError(
        f"{path} is broken: {reason}",
        hint="run `als evaluate --published` again for these lists, or move the file away",
    )
