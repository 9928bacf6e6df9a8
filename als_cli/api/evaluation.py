"""Evaluation in Python."""

from collections.abc import Mapping
from typing import Any

from als_cli.api.context import Workspace, in_section
from als_cli.api.dataset import Dataset
from als_cli.evaluation.report import EvaluateReport
from als_cli.stages.evaluate import evaluate as evaluate_stage


def evaluate(dataset: Dataset, *, train: Mapping[str, Any] | None = None, **settings: Any) -> EvaluateReport:
    """Return the metrics of a model with the hyperparameters `train` and of the baselines, as by ``als evaluate``.

    The model is trained on the training set only. `train` has keys of config section `train`; keys that are not given are
    selected on validation sets. `settings` are keys of section `evaluate`, for example ``at=[10, 50]``. Nothing is
    published.

    Raises
    ------
    ConfigError
        A setting is unknown or wrong, or does not fit the dataset.
    DataError
        The training set or the test set is empty.
    """
    keys = in_section("train", train or {}) | in_section("evaluate", settings)
    return evaluate_stage(Workspace(None).context(keys, dataset.place))
