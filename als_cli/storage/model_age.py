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
        return _is_younger(datetime.fromisoformat(then), now, config.again_after)
    return _is_younger(model.created, datetime.now(UTC), config.again_after)


def _is_younger(then: datetime, now: datetime, limit: timedelta) -> bool:
    """Return whether less than `limit` has passed between two times. Whole days are days of the calendar in UTC.

    Without this, a weekly model would be trained on the eighth night whenever the newest event of a day is a minute earlier
    than that of the week before.
    """
    if limit % timedelta(days=1):
        return timedelta(0) <= now - then < limit
    days = now.astimezone(UTC).date() - then.astimezone(UTC).date()
    return now >= then and days < limit
