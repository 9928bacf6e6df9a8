"""Baseline `published`: the settings of the published model, trained again on the training set.

The stored factors of the model cannot be evaluated, because they were trained on the test set too.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from als_cli.config.evaluate import GateConfig
from als_cli.config.train import TrainConfig
from als_cli.errors import ArtifactError
from als_cli.evaluation.methods import PUBLISHED
from als_cli.evaluation.report import PublishedState
from als_cli.storage.manifest import Manifest, published_manifest, read_manifest
from als_cli.storage.publish import current_version

COMPARED_WITH = "published_train"
"""Key in `metrics` of an evaluation's manifest: section `train` of baseline `published`, null without this baseline."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PublishedModel:
    """The state of baseline `published`, and its settings."""

    state: PublishedState | None
    """None if the config does not ask for the baseline."""
    train: TrainConfig | None = None
    """Section `train` of the published model. None unless the state is `compared`."""

    def settings(self) -> dict[str, Any] | None:
        """Return :attr:`train` as JSON-like values."""
        return None if self.train is None else self.train.model_dump(mode="json")


def published_model(baselines: Sequence[str], train: TrainConfig, models: Path) -> PublishedModel:
    """Return the state of baseline `published` for a model with section `train`; `models` is the models folder.

    Raises
    ------
    ArtifactError
        The config asks for the baseline, but the published model is broken, has another format version, or has
        settings that this version of als-cli does not support.
    """
    if PUBLISHED not in baselines:
        return PublishedModel(None)
    folder = current_version(models)
    if folder is None:
        return PublishedModel("no_model")
    published = _train_of(read_manifest(folder, "model"), folder)
    if published == train:
        return PublishedModel("same_settings")
    return PublishedModel("compared", published)


def log_if_left_out(published: PublishedModel, gate: GateConfig | None, models: Path) -> None:
    """Log the reason if the config asks for baseline `published` but it is left out."""
    passes = "; evaluate.gate lets the model pass" if gate and gate.at_least == PUBLISHED else ""
    if published.state == "no_model":
        log.warning("baseline published is left out: no model in %s yet%s", models, passes)
    if published.state == "same_settings":
        # This is normal in regular runs, so it is no warning.
        log.info("baseline published is left out: the published model has the same section train%s", passes)


def settings_compared_with(published: PublishedModel, evaluations: Path) -> dict[str, Any] | None:
    """Return section `train` that an up-to-date evaluation is compared with, None without baseline `published`.

    After the evaluated model is published, the baseline would be the model itself. In this case, return the settings
    that the last evaluation in `evaluations` was compared with. Publishing thus does not make it out of date.
    """
    if published.state != "same_settings":
        return published.settings()
    last = published_manifest(evaluations, "evaluation")
    return None if last is None else last.metrics.get(COMPARED_WITH)


def _train_of(manifest: Manifest, folder: Path) -> TrainConfig:
    try:
        return TrainConfig.model_validate_json(json.dumps(manifest.config["train"]))
    except (KeyError, ValidationError) as unknown:
        raise ArtifactError(
            f"{folder} was trained with settings that this version of als-cli does not support",
            hint="run `als train` again, or leave published out of evaluate.baselines",
        ) from unknown
