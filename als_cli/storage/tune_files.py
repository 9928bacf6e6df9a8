"""The files of `als tune`: the study with all trials, the best config, and the report of the last search."""

import json
from datetime import datetime
from pathlib import Path

from als_cli.config.fields import parse_instant
from als_cli.config.modeline import SCHEMA_FILE
from als_cli.config.root import Config
from als_cli.config.shipped_schema import schema_text
from als_cli.config.train import TrainConfig
from als_cli.config.writing import config_text
from als_cli.dataset.aggregation import PAIR_SIGNAL
from als_cli.errors import ArtifactError
from als_cli.storage.checksums import is_verifying
from als_cli.storage.dataset_files import StoredDataset
from als_cli.storage.documents import is_intact, read_document, with_checksum
from als_cli.storage.manifest import stage_key
from als_cli.storage.publish import staged_file
from als_cli.storage.repair import one_line
from als_cli.storage.schema_file import write_schema
from als_cli.tuning.found import Found
from als_cli.tuning.report import TuneReport

_SPLIT_FILE = {"path", "columns", "format", "separator", "header", "encoding"}
_NOT_IN_KEY = {"trials", "time", "output"}
"""Keys of section `tune` that a longer search may change: it continues in the same study."""


def study_path(config: Config) -> Path:
    """Return the path of the SQLite file with all trials."""
    return Path(config.workspace) / "tune" / "study.sqlite3"


def best_config_path(config: Config) -> Path:
    """Return the path of the best config: `tune.output`, or a file in the workspace."""
    return Path(config.tune.output or Path(config.workspace) / "tune" / "best.yaml")


def study_name(config: Config, dataset: StoredDataset) -> str:
    """Return the name of the study: the hash of all that the value of a trial depends on."""
    return stage_key(
        dataset=dataset.manifest.content,
        signal=config.events.model_dump(mode="json", include=PAIR_SIGNAL),
        train=config.train.model_dump(mode="json"),
        split=config.evaluate.split.model_dump(mode="json", exclude=_SPLIT_FILE),
        exclude_seen=config.evaluate.exclude_seen,
        tune=config.tune.model_dump(mode="json", exclude=_NOT_IN_KEY),
    )


def tune_report_path(workspace: Path) -> Path:
    """Return the path of the report of the last search."""
    return workspace / "tune" / "report.json"


def write_tune_report(workspace: Path, report: TuneReport, created: datetime) -> None:
    """Write `report` with the time `created` of the search. The outcome of stage `ingest` is left out.

    Raises
    ------
    ResourceError
        The file cannot be written.
    """
    document = {"created": created.isoformat(), **report.model_dump(mode="json", exclude={"ingest"})}
    with staged_file(tune_report_path(workspace)) as partial:
        partial.write_text(json.dumps(with_checksum(document), indent=2) + "\n", encoding="utf-8")


def read_tune_report(workspace: Path) -> tuple[TuneReport, datetime] | None:
    """Return the report of the last search and its time; None if there is none.

    Raises
    ------
    ArtifactError
        The file is broken.
    """
    path = tune_report_path(workspace)
    try:
        document = read_document(path)
        is_whole = not is_verifying() or is_intact(document)
        report = TuneReport.model_validate({**document, "ingest": None}) if is_whole else None
        created = parse_instant(document["created"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as unreadable:
        raise _broken(path, unreadable) from unreadable
    if report is None:
        raise _broken(path, "its content differs from its checksum")
    return report, created


def _broken(path: Path, reason: object) -> ArtifactError:
    return ArtifactError(f"{path} is broken: {one_line(reason)}", hint="run `als tune` again")


def write_best_config(config: Config, train: TrainConfig, found: Found) -> Path:
    """Write `config` with section `train` of the best trial; return the path.

    In the workspace, the JSON Schema that the first line of the config names is written beside it.

    Raises
    ------
    ResourceError
        The file cannot be written.
    """
    comment = (
        f"Written by als tune: {config.tune.metric} {found.best.value:.5f} on validation sets, "
        f"{found.untuned.value:.5f} with the config as given.\n"
        "Check it with `als evaluate -c` before `als train -c`."
    )
    if config.events.as_of is not None:
        comment += "\nRemove events.as_of for a job that reads new events."
    path = best_config_path(config)
    with staged_file(path) as partial:
        partial.write_text(config_text(config.model_copy(update={"train": train}), comment), encoding="utf-8")
    if config.tune.output is None:
        write_schema(path.with_name(SCHEMA_FILE), schema_text())
    return path
