"""The backtest on disk: metrics.json, per_user.parquet, manifest.json."""

import json
from dataclasses import replace
from pathlib import Path

import polars as pl

from als_cli.config.evaluate import CohortsConfig
from als_cli.errors import ArtifactError
from als_cli.evaluation.backtest_report import Backtest
from als_cli.stages.context import StageContext
from als_cli.storage.dataset_files import Dataset
from als_cli.storage.evaluation_files import METRICS, PER_USER, evaluation_key
from als_cli.storage.manifest import stage_key, write_manifest
from als_cli.storage.publish import current_version, staged_folder
from als_cli.storage.published_model import COMPARED_WITH, PublishedModel

_SECONDS = {"cut_offs": {"__all__": {"methods": {"__all__": {"seconds"}}}}}


def figures_only(context: StageContext) -> StageContext:
    """Return `context` without gate and cohorts: a backtest has neither, and does not read their files."""
    evaluate = context.config.evaluate.model_copy(update={"gate": None, "cohorts": CohortsConfig()})
    return replace(context, config=context.config.model_copy(update={"evaluate": evaluate}))


def publish_backtest(
    context: StageContext,
    dataset: Dataset,
    published: PublishedModel,
    found: Backtest,
    per_user: pl.DataFrame,
    seconds: float,
) -> Path:
    """Write and publish the backtest `found` of `dataset` with its figures `per_user`; return the folder."""
    # Seconds stand in the manifest only: the same seed writes the same bytes.
    document = found.model_dump(mode="json", exclude=_SECONDS)
    with staged_folder(context.backtests_place) as folder:
        (folder / METRICS).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        per_user.write_parquet(folder / PER_USER)
        write_manifest(
            folder,
            kind="backtest",
            key=stage_key(
                evaluation=evaluation_key(figures_only(context), dataset, published.settings(), files=()),
                backtest=context.config.evaluate.backtest.model_dump(mode="json"),
            ),
            config=context.config.model_dump(mode="json"),
            counts={"cut_offs": len(found.cut_offs), "users": found.users},
            metrics={
                "leads": [one.model_dump(mode="json") for one in found.leads],
                "dataset": dataset.manifest.content,
                COMPARED_WITH: published.settings(),
            },
            seed=context.config.evaluate.seed,
            threads=context.threads,
            seconds=seconds,
        )
    current = current_version(context.backtests_place)
    if current is None:
        raise ArtifactError(
            f"the backtest in {context.backtests_place} is gone", hint="run `als backtest` again"
        )
    return current
