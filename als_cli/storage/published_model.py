"""Baseline `published`: the settings of the model that is published now, to be trained on the training set.

Its stored factors cannot be compared, because they were trained on the test set too.
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
"""Key of an evaluation's manifest, below `metrics`: section `train` that baseline `published` had, null without one."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PublishedModel:
    """What there is to compare with."""

    state: PublishedState | None
    """None: the baseline is not asked for."""
    train: TrainConfig | None = None
    """Section `train` of the published model, None unless compared."""

    def settings(self) -> dict[str, Any] | None:
        """Return :attr:`train` as JSON-like values."""
        return None if self.train is None else self.train.model_dump(mode="json")


def published_model(baselines: Sequence[str], train: TrainConfig, models: Path) -> PublishedModel:
    """Return what baseline `published` is now, beside a model with section `train`; `models` is the models folder.

    Raises
    ------
    ArtifactError
        The baseline is asked for, and the published model is broken, of another format version, or of settings
        that this release does not have.
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
    """Log why there is no baseline `published`, where it is asked for and left out."""
    passes = "; evaluate.gate lets the model pass" if gate and gate.at_least == PUBLISHED else ""
    if published.state == "no_model":
        log.warning("baseline published is left out: no model in %s yet%s", models, passes)
    if published.state == "same_settings":
        # Every night's run says this, and nothing is wrong: no warning.
        log.info("baseline published is left out: the published model has the same section train%s", passes)


def settings_compared_with(published: PublishedModel, evaluations: Path) -> dict[str, Any] | None:
    """Return section `train` that an up-to-date evaluation was compared with, None without baseline `published`.

    Once the evaluated model is published itself, a comparison with it has no meaning. The settings that the last
    evaluation in the folder `evaluations` was compared with then stay, so that publishing does not make it out of date.
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
            f"{folder} was trained with settings that this als-cli does not have",
            hint="run `als train` again, or leave published out of evaluate.baselines",
        ) from unknown
