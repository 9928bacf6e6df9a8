"""The age of a published model: the time between the newest events then and now."""

from datetime import UTC, datetime, timedelta

from als_cli.config.train import TrainConfig
from als_cli.storage.dataset_files import StoredDataset
from als_cli.storage.manifest import Manifest

NEWEST_EVENT = "newest_event"
"""Name of the time of the newest event in the metrics of a model."""


def is_kept(config: TrainConfig, model: Manifest, dataset: StoredDataset) -> bool:
    """Return whether `train.again_after` keeps `model` for `dataset`.

    It does if the model is younger, has the same section `train`, and does not know events after `events.as_of`. The
    age of a model without timestamps counts from the times of the two runs.
    """
    if config.again_after is None or model.config.get("train") != config.model_dump(mode="json"):
        return False
    as_of = dataset.manifest.as_of
    if as_of is not None and (model.as_of is None or model.as_of > as_of):
        return False
    then = model.metrics.get(NEWEST_EVENT)
    now = dataset.interactions.newest
    if isinstance(then, str) and now is not None:
        age = now - datetime.fromisoformat(then)
    else:
        age = datetime.now(UTC) - model.created
    return timedelta(0) <= age < config.again_after
