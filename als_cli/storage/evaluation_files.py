"""The evaluation on disk: metrics.json, per_user.parquet and manifest.json, and its key."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import BaseModel, ValidationError

from als_cli.config.evaluate import EvaluateConfig, FileSplit
from als_cli.config.events import EventsConfig
from als_cli.config.recommend import RecommendConfig
from als_cli.config.train import TrainConfig
from als_cli.dataset.aggregation import PAIR_SIGNAL
from als_cli.evaluation.report import ComparisonReport, Evaluation
from als_cli.evaluation.significance import RESAMPLES
from als_cli.storage.documents import read_document
from als_cli.storage.manifest import InputFile, Manifest, current_artifact, stage_key, write_manifest
from als_cli.storage.ownership import MANIFEST
from als_cli.storage.published_model import COMPARED_WITH
from als_cli.storage.repair import broken, one_line
from als_cli.storage.sinks.lists_key import rules_of

METRICS = "metrics.json"
PER_USER = "per_user.parquet"
_PATHS = {"split": {"path"}, "candidates": {"path"}, "cohorts": {"users": {"path"}, "items": {"path"}}}
"""Keys of section `evaluate` that are paths. The hashes of the files stand for them."""


@dataclass(frozen=True)
class Basis:
    """All that the metrics of an evaluation or a backtest depend on."""

    evaluate: EvaluateConfig
    train: TrainConfig
    signal: EventsConfig
    dataset: str
    """Content hash of the dataset."""
    published: dict[str, Any] | None
    """Section `train` of baseline `published`, None without this baseline."""
    recommend: RecommendConfig | None = None
    """Section `recommend`, if the model is also evaluated with its rules."""
    files: tuple[InputFile, ...] = ()
    """The test file, the candidates file and the cohort files, as they were read."""

    @property
    def key(self) -> str:
        """Hash for an evaluation. The gate is left out, because it compares metrics and does not change them."""
        return self._key(_PATHS | {"gate": True, "backtest": True})

    @property
    def backtest_key(self) -> str:
        """Hash for a backtest, which has neither a gate nor cohorts."""
        return self._key(_PATHS | {"gate": True, "cohorts": True})

    def _key(self, left_out: dict[str, Any]) -> str:
        """Return the hash of all fields, without the keys `left_out` of section `evaluate`."""
        return stage_key(
            evaluate=self.evaluate.model_dump(mode="json", exclude=left_out),
            train=self.train.model_dump(mode="json"),
            published=self.published,
            signal=self.signal.model_dump(mode="json", include=PAIR_SIGNAL),
            columns=self.signal.columns.model_dump(mode="json", include={"user", "item"}),
            dataset=self.dataset,
            recommend=None if self.recommend is None else rules_of(self.recommend),
            resamples=RESAMPLES,
            files=[file.sha256 for file in self.files],
        )


def write_evaluation(
    folder: Path, evaluation: Evaluation, per_user: pl.DataFrame, basis: Basis, **run: Any
) -> None:
    """Write `evaluation`, its metrics `per_user` and the manifest into `folder`; `basis` gives the key.

    `run` has the manifest's config, threads and seconds.
    """
    # Seconds are in the manifest only, so that the same seed writes the same bytes.
    document = evaluation.model_dump(mode="json", exclude={"methods": {"__all__": {"seconds"}}})
    (folder / METRICS).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    per_user.write_parquet(folder / PER_USER)
    write_manifest(
        folder,
        kind="evaluation",
        key=basis.key,
        inputs=basis.files,
        counts=evaluation.counts,
        metrics={
            "methods": {method.method: method.metrics for method in evaluation.methods},
            "comparisons": [comparison.model_dump(mode="json") for comparison in evaluation.comparisons],
            "split": document["split"],
            "split_choice": document["split_choice"],
            "seconds": {method.method: method.seconds for method in evaluation.methods},
            "dataset": basis.dataset,
            COMPARED_WITH: basis.published,
        },
        seed=basis.evaluate.seed,
        **run,
    )


def read_evaluation(place: Path) -> tuple[Evaluation, Manifest]:
    """Return the current evaluation in `place` and its manifest, which has the seconds of the methods.

    Raises
    ------
    ArtifactError
        There is no evaluation, or it is broken.
    """
    folder, manifest = current_artifact(place, "evaluation")
    path = manifest.file(folder, METRICS)
    try:
        document = read_document(path)
        for method in document["methods"]:
            method["seconds"] = manifest.metrics["seconds"][method["method"]]
        return Evaluation.model_validate_json(json.dumps(document)), manifest
    except (OSError, ValueError, KeyError, TypeError) as unreadable:
        raise broken(path, "evaluation", one_line(unreadable)) from unreadable


def published_figures(place: Path) -> tuple[dict[str, dict[str, float]], tuple[ComparisonReport, ...], int]:
    """Return the current evaluation in `place`: average metrics by method and by metric@k, comparisons, number of users.

    Raises
    ------
    ArtifactError
        There is no evaluation, or it is broken.
    """
    folder, manifest = current_artifact(place, "evaluation")
    try:
        figures = _Figures.model_validate({**manifest.metrics, **manifest.counts})
    except ValidationError as wrong:
        raise broken(folder / MANIFEST, "evaluation", "it has no valid metrics") from wrong
    return figures.methods, figures.comparisons, figures.users_evaluated


class _Figures(BaseModel):
    methods: dict[str, dict[str, float]]
    comparisons: tuple[ComparisonReport, ...]
    users_evaluated: int


def paths_of(config: EvaluateConfig, recommend: RecommendConfig) -> tuple[str, ...]:
    """Return the paths of the test file, the candidates file, the cohort files and the files of rules.

    The order is that in which they are read. Files of rules count if the model is evaluated with rules.
    """
    test = config.split if isinstance(config.split, FileSplit) else None
    tables = (test, config.candidates, config.cohorts.users, config.cohorts.items)
    rules = [path for key, path in recommend.read_paths().items() if key != "recommend.users.file"]
    return (*(table.path for table in tables if table is not None), *(rules if config.rules else ()))
