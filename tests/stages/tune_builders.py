"""Builders of datasets for `tune`."""

from als_cli.splitting.auto_split import given_split
from als_cli.splitting.protocol import SplitProtocol
from als_cli.storage.dataset_files import open_dataset
from als_cli.tuning import folds
from tests.stages.evaluation_builders import context_for, publish_events, two_tastes

SMALL = {"factors": [2, 4, 8], "iterations": [2, 5]}
NATIVE = {"engine": "native", "factors": 2, "iterations": 2}
SPLITS = {
    "time": {"by": "time", "test": "3d"},
    "instant": {"by": "time", "test": "2026-01-27"},
    "last": {"by": "last"},
    "random": {"by": "random", "fraction": 0.2},
    "users": {"by": "users", "fraction": 0.3},
}


def tuning(folder, split="time", clean=None, train=None, **tune_section):
    """Return a context with a published dataset for `tune`."""
    section = {"trials": 7, "folds": 2, "metric": "ndcg@5", "space": SMALL} | tune_section
    context = context_for(folder, {"split": SPLITS[split]}, train=NATIVE | (train or {}))
    raw = context.config.model_dump(mode="json", exclude_unset=True) | {"tune": section}
    context = type(context)(config=type(context.config).model_validate(raw), threads=1)
    return publish_events(context, two_tastes() if clean is None else clean)


def folds_of(context):
    """The validation folds of `als tune`."""
    return folds_and_samples_of(context)[0]


def folds_and_samples_of(context):
    """The validation folds, and the samples of the screening."""
    return folds.folds_and_samples(*_given(context))


def divisions_of(context):
    """The validation folds with all their test users."""
    return folds.divisions(*_given(context))


def training_matrix_of(context):
    """The matrix of the training set of `evaluate.split`."""
    dataset, config = open_dataset(context.dataset_place), context.config
    return folds.training_matrix(
        dataset.scan_events(), config.events, config.evaluate.split, dataset.interactions.matrix
    )


def _given(context):
    config = context.config
    events = open_dataset(context.dataset_place).scan_events()
    split, _ = given_split(events, config.events, config.evaluate)
    return events, config.events, SplitProtocol.of(config.evaluate, split), config.tune
