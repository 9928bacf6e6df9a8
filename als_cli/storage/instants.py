"""The instant of the config, of the dataset and of the model. Artifacts of another instant are refused."""

from datetime import datetime
from pathlib import Path

from als_cli.errors import ArtifactError
from als_cli.storage.dataset_files import StoredDataset, open_dataset
from als_cli.storage.model_files import StoredModel, open_model


def open_dataset_as_of(place: Path, as_of: datetime | None) -> StoredDataset:
    """Return the current dataset in `place`; `as_of` is `events.as_of` of the config.

    Raises
    ------
    ArtifactError
        The dataset is missing or broken, or it was ingested for another instant.
    """
    dataset = open_dataset(place)
    found = dataset.manifest.as_of
    if found == as_of:
        return dataset
    raise ArtifactError(
        f"the dataset in {place} was ingested {_described(found)}, but this command runs {_described(as_of)}",
        hint=f"run `als ingest{_option(as_of)}` first, or continue {_described(found)}",
    )


def open_model_as_of(place: Path, dataset: StoredDataset, as_of: datetime | None) -> StoredModel:
    """Return the current model in `place`, for lists from `dataset`; `as_of` is `events.as_of` of the config.

    Raises
    ------
    ArtifactError
        The model is missing or broken. Or it was trained on another dataset that may have events after `as_of`.
    """
    model = open_model(place)
    found = model.manifest.as_of
    if as_of is None or (found is not None and found <= as_of):
        return model
    if model.manifest.metrics.get("dataset") == dataset.manifest.content:
        return model
    raise ArtifactError(
        f"the model in {place} was trained {_described(found)}, so it may know events after {_shown(as_of)}",
        hint=f"run `als train{_option(as_of)}` first",
    )


def _described(as_of: datetime | None) -> str:
    return "without events.as_of" if as_of is None else f"with events.as_of {_shown(as_of)}"


def _option(as_of: datetime | None) -> str:
    return "" if as_of is None else f" --as-of {_shown(as_of)}"


def _shown(as_of: datetime) -> str:
    return as_of.isoformat().replace("+00:00", "Z")
