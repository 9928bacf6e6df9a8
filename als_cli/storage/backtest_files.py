"""The backtest on disk: metrics.json, per_user.parquet, manifest.json."""

import json
from pathlib import Path
from typing import Any

import polars as pl

from als_cli.evaluation.backtest_report import Backtest
from als_cli.storage.documents import read_document
from als_cli.storage.evaluation_files import METRICS, PER_USER, Basis
from als_cli.storage.manifest import Manifest, current_artifact, write_manifest
from als_cli.storage.published_model import COMPARED_WITH
from als_cli.storage.repair import broken, one_line

_SECONDS = {"cut_offs": {"__all__": {"methods": {"__all__": {"seconds"}}}}}


def read_backtest(place: Path) -> tuple[Backtest, Manifest]:
    """Return the current backtest in `place` and its manifest. The seconds of the methods are not stored: they are 0.

    Raises
    ------
    ArtifactError
        There is no backtest, or it is broken.
    """
    folder, manifest = current_artifact(place, "backtest")
    path = manifest.file(folder, METRICS)
    try:
        document = read_document(path)
        for cut_off in document["cut_offs"]:
            for method in cut_off["methods"]:
                method["seconds"] = 0.0
        return Backtest.model_validate_json(json.dumps(document)), manifest
    except (OSError, ValueError, KeyError, TypeError) as unreadable:
        raise broken(path, "backtest", one_line(unreadable)) from unreadable


def write_backtest(folder: Path, found: Backtest, per_user: pl.DataFrame, basis: Basis, **run: Any) -> None:
    """Write the backtest `found`, its metrics `per_user` and the manifest into `folder`.

    `basis` gives the key. `run` has the manifest's config, threads and seconds.
    """
    # Seconds are in the manifest only, so that the same seed writes the same bytes.
    document = found.model_dump(mode="json", exclude=_SECONDS)
    (folder / METRICS).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    per_user.write_parquet(folder / PER_USER)
    write_manifest(
        folder,
        kind="backtest",
        key=basis.backtest_key,
        counts={"cut_offs": len(found.cut_offs), "users": found.users},
        metrics={
            "leads": [lead.model_dump(mode="json") for lead in found.leads],
            "dataset": basis.dataset,
            COMPARED_WITH: basis.published,
        },
        seed=basis.evaluate.seed,
        **run,
    )
