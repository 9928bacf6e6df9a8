"""The evaluations of lists that were shown: one JSON file and one Parquet file each, in one folder.

Nothing in the folder is changed or removed by later evaluations, so a ledger can collect the JSON files. The name of an
evaluation is the instant of the lists, the version of the lists and the last event. The same evaluation has the same
name, and replaces its files.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import polars as pl

from als_cli import __version__
from als_cli.errors import refusals_at
from als_cli.evaluation.hindsight_report import Hindsight
from als_cli.storage.documents import with_checksum
from als_cli.storage.durable import make_folder
from als_cli.storage.manifest import file_sha256
from als_cli.storage.publish import staged_file

HINDSIGHT_FORMAT = 1
_SPOOL_PREFIX = ".spool-"


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
