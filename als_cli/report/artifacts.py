"""The stored artifacts that a report is made from. All but the dataset may be missing."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from als_cli.config.recommend import RecommendConfig
from als_cli.config.report import ReportConfig
from als_cli.evaluation.backtest_report import Backtest
from als_cli.evaluation.report import Evaluation
from als_cli.ranking.trained_model import check_id_types
from als_cli.storage.backtest_files import read_backtest
from als_cli.storage.choice_files import compared_trials
from als_cli.storage.dataset_files import StoredDataset, open_dataset
from als_cli.storage.evaluation_files import read_evaluation
from als_cli.storage.hindsight_files import HindsightHistory, read_hindsight
from als_cli.storage.manifest import Manifest
from als_cli.storage.model_files import StoredModel, open_model
from als_cli.storage.publish import current_version
from als_cli.storage.published_lists import newest_lists
from als_cli.storage.sinks.publish_lists import published_lists
from als_cli.storage.sinks.target import Target, target_of
from als_cli.storage.stored_lists import StoredLists
from als_cli.storage.tune_files import read_tune_report
from als_cli.storage.versions import Place, StoredVersion
from als_cli.tuning.compared import ComparedTrial
from als_cli.tuning.report import TuneReport

_WRITE_ONLY = ("kv", "resp")
"""Formats for key-value stores, which als-cli does not read."""
_Found = TypeVar("_Found")


@dataclass(frozen=True)
class WorkspaceFolders:
    """The folders of a workspace."""

    folder: Path
    dataset: Path
    models: Path
    choice: Path
    evaluations: Path
    backtests: Path
    hindsight: Path
    spool: Path
    """Folder for copies of lists from a database. The caller removes it."""


@dataclass(frozen=True)
class PublishedLists:
    """The published lists and the version before them."""

    target: Target
    manifest: Manifest
    lists: StoredLists | None
    """None: the lists are in a format for key-value stores, which als-cli does not read."""
    before: StoredLists | None
    """The version before; None if it is not kept."""


@dataclass(frozen=True)
class Artifacts:
    """All that a report is made from."""

    recommend: RecommendConfig
    report: ReportConfig
    threads: int
    dataset: StoredDataset
    model: StoredModel | None
    compared: tuple[ComparedTrial, ...]
    """What `auto` compared for the stored choice, oldest first."""
    evaluation: tuple[Evaluation, Manifest] | None
    evaluations: tuple[StoredVersion, ...]
    """The evaluations on disk, the newest first."""
    backtest: tuple[Backtest, Manifest] | None
    hindsight: HindsightHistory | None
    search: TuneReport | None
    """The report of the last `als tune`."""
    lists: PublishedLists | None

    @property
    def manifests(self) -> dict[str, Manifest]:
        """The manifests, by the kind of artifact."""
        found = {
            "dataset": self.dataset.manifest,
            "evaluation": None if self.evaluation is None else self.evaluation[1],
            "backtest": None if self.backtest is None else self.backtest[1],
            "model": None if self.model is None else self.model.manifest,
            "lists": None if self.lists is None else self.lists.manifest,
        }
        return {kind: manifest for kind, manifest in found.items() if manifest is not None}


def open_artifacts(
    workspace: WorkspaceFolders, recommend: RecommendConfig, report: ReportConfig, threads: int
) -> Artifacts:
    """Return the current artifacts in `workspace`, and the lists at the output of section `recommend`.

    Raises
    ------
    ArtifactError
        There is no dataset, or an artifact is broken, or the ids of dataset and model have different types.
    ConfigError
        A package that reads the published lists is not installed.
    ResourceError
        The database with the published lists cannot be read.
    """
    dataset = open_dataset(workspace.dataset)
    model = _existing(workspace.models, open_model)
    if model is not None:
        check_id_types(dataset.interactions, model)
    search = read_tune_report(workspace.folder)
    return Artifacts(
        recommend=recommend,
        report=report,
        threads=threads,
        dataset=dataset,
        model=model,
        compared=compared_trials(workspace.choice),
        evaluation=_existing(workspace.evaluations, read_evaluation),
        evaluations=tuple(Place("evaluation", workspace.evaluations).stored()),
        backtest=_existing(workspace.backtests, read_backtest),
        hindsight=read_hindsight(workspace.hindsight),
        search=None if search is None else search[0],
        lists=_lists(target_of(recommend.output), workspace.spool),
    )


def _existing(place: Path, read: Callable[[Path], _Found]) -> _Found | None:
    return None if current_version(place) is None else read(place)


def _lists(target: Target, spool: Path) -> PublishedLists | None:
    """Return the published lists at `target`; None if there are none, or they went to stdout."""
    if target.kind == "stdout" or target.format in _WRITE_ONLY:
        manifest = None if target.kind == "stdout" else published_lists(target)
        return None if manifest is None else PublishedLists(target, manifest, None, None)
    found = newest_lists(target, spool)
    if not found or found[0].manifest is None:
        return None
    return PublishedLists(target, found[0].manifest, found[0], found[1] if len(found) > 1 else None)
