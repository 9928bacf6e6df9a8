"""Datasets that are to be tuned."""

from tests.stages.evaluation_builders import context_for, publish_events, two_tastes

SMALL = {"factors": [2, 4, 8], "iterations": [2, 5]}
NATIVE = {"engine": "native", "factors": 2, "iterations": 2}
SPLITS = {
    "time": {"by": "time", "test": "3d"},
    "instant": {"by": "time", "test": "2026-01-27"},
    "last": {"by": "last"},
    "random": {"by": "random", "share": 0.2},
    "users": {"by": "users", "share": 0.3},
}


def tuning(folder, split="time", clean=None, train=None, **tune_section):
    """A context with a published dataset that is to be tuned."""
    section = {"trials": 7, "folds": 2, "metric": "ndcg@5", "space": SMALL} | tune_section
    context = context_for(folder, {"split": SPLITS[split]}, train=NATIVE | (train or {}))
    raw = context.config.model_dump(mode="json", exclude_unset=True) | {"tune": section}
    context = type(context)(config=type(context.config).model_validate(raw), threads=1)
    return publish_events(context, two_tastes() if clean is None else clean)
