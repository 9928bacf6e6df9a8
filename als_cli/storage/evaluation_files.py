"""The evaluation on disk: metrics.json, per_user.parquet, manifest.json; and what it depends on."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from als_cli.config.evaluate import EvaluateConfig, FileSplit
from als_cli.errors import ArtifactError
from als_cli.evaluation.report import ComparisonReport, Evaluation
from als_cli.evaluation.significance import RESAMPLES
from als_cli.stages.context import StageContext
from als_cli.storage.dataset_files import Dataset
from als_cli.storage.manifest import InputFile, read_manifest, stage_key, write_manifest
from als_cli.storage.publish import current_version, staged_folder
from als_cli.storage.published_model import COMPARED_WITH, PublishedModel

METRICS = "metrics.json"
PER_USER = "per_user.parquet"
_SIGNAL = {"half_life", "duplicates", "min_user_interactions", "min_item_interactions", "now"}


@dataclass(frozen=True)
class Basis:
    """What the figures come from."""

    dataset: Dataset
    published: PublishedModel
    files: tuple[InputFile, ...]
    """The test file, the file of candidates and the tables of cohorts, as they were read."""


def publish_evaluation(
    context: StageContext, basis: Basis, evaluation: Evaluation, per_user: pl.DataFrame, seconds: float
) -> Path:
    """Write and publish `evaluation` from `basis` with its figures `per_user`; return the folder."""
    dataset, compared_with = basis.dataset, basis.published.settings()
    # Seconds stand in the manifest only: the same seed writes the same bytes.
    document = evaluation.model_dump(mode="json", exclude={"methods": {"__all__": {"seconds"}}})
    with staged_folder(context.evaluations_place) as folder:
        (folder / METRICS).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        per_user.write_parquet(folder / PER_USER)
        write_manifest(
            folder,
            kind="evaluation",
            key=evaluation_key(context, dataset, compared_with, basis.files),
            config=context.config.model_dump(mode="json"),
            inputs=basis.files,
            counts=evaluation.counts,
            metrics={
                "methods": {one.method: one.metrics for one in evaluation.methods},
                "comparisons": [one.model_dump(mode="json") for one in evaluation.comparisons],
                "split": document["split"],
                "split_choice": document["split_choice"],
                "seconds": {one.method: one.seconds for one in evaluation.methods},
                "dataset": dataset.manifest.content,
                COMPARED_WITH: compared_with,
            },
            seed=context.config.evaluate.seed,
            threads=context.threads,
            seconds=seconds,
        )
    return _current(context)


def published_figures(
    context: StageContext,
) -> tuple[dict[str, dict[str, float]], tuple[ComparisonReport, ...], int]:
    """Return the current evaluation's averages by method, then by metric and k; its comparisons and number of users.

    Raises
    ------
    ArtifactError
        There is no evaluation, or it is broken.
    """
    manifest = read_manifest(_current(context), "evaluation")
    comparisons = tuple(ComparisonReport(**one) for one in manifest.metrics["comparisons"])
    return manifest.metrics["methods"], comparisons, manifest.counts["users_evaluated"]


def evaluation_key(
    context: StageContext,
    dataset: Dataset,
    compared_with: dict[str, Any] | None,
    files: tuple[InputFile, ...],
) -> str:
    """Return the hash of all that the figures depend on.

    `compared_with` is section `train` of baseline `published`, None without it. The gate is no part of the hash: it
    judges figures and changes none.
    """
    config = context.config
    return stage_key(
        evaluate=config.evaluate.model_dump(
            mode="json",
            exclude={
                "split": {"path"},
                "candidates": {"path"},
                "cohorts": {"users": {"path"}, "items": {"path"}},
                "gate": True,
                "backtest": True,
            },
        ),
        train=config.train.model_dump(mode="json"),
        published=compared_with,
        signal=config.events.model_dump(mode="json", include=_SIGNAL),
        columns=config.events.columns.model_dump(mode="json", include={"user", "item"}),
        dataset=dataset.manifest.content,
        resamples=RESAMPLES,
        files=[file.sha256 for file in files],
    )


def _current(context: StageContext) -> Path:
    folder = current_version(context.evaluations_place)
    if folder is None:
        raise ArtifactError(f"no evaluation in {context.evaluations_place}", hint="run `als evaluate` first")
    return folder


def paths_of(config: EvaluateConfig) -> tuple[str, ...]:
    """Return the paths of the test file, the candidates and the tables of cohorts, in the order they are read."""
    test = config.split if isinstance(config.split, FileSplit) else None
    tables = (test, config.candidates, config.cohorts.users, config.cohorts.items)
    return tuple(table.path for table in tables if table is not None)
