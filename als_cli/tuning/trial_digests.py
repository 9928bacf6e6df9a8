"""Digests of the trials of a study. SQLite finds damaged pages, but not a changed number in a sound page.

Each trial that als finishes has a digest of its parameters and values, and each study has a copy of its name. A trial
that was interrupted has no valid digest, and is not used.
"""

import hashlib
import json

import optuna
from optuna.distributions import distribution_to_json
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

_DIGEST, _NAME = "digest", "name"


def digest_of(name: str, trial: FrozenTrial, value: float | None, *, failed: bool) -> str:
    """Return the digest of the finished `trial` of study `name`; `failed` means that it has no value."""
    content = {
        "study": name,
        "number": trial.number,
        "params": trial.params,
        "space": {key: distribution_to_json(space) for key, space in trial.distributions.items()},
        "steps": {str(step): score for step, score in trial.intermediate_values.items()},
        "attributes": {key: attr for key, attr in trial.user_attrs.items() if key != _DIGEST},
        "value": value,
    }
    text = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return f"failed-{text}" if failed else text


def seal_trial(
    study: optuna.Study, trial: optuna.Trial, value: float | None, *, failed: bool = False
) -> None:
    """Store the digest of `trial`, which is finished with `value` next."""
    frozen = study.get_trials(deepcopy=False)[trial.number]
    trial.set_user_attr(_DIGEST, digest_of(study.study_name, frozen, value, failed=failed))


def check_study(storage: BaseStorage, study: optuna.Study) -> None:
    """Return when the trials of `study` are those that als stored. A new study gets a copy of its name.

    Raises
    ------
    ValueError
        A name, a parameter or a value has changed, or a trial is missing.
    """
    name, trials = study.study_name, study.get_trials(deepcopy=False)
    if study.directions != [StudyDirection.MAXIMIZE]:
        raise ValueError("the direction of a study has changed")
    if not trials and _NAME not in study.user_attrs:
        if any(other.user_attrs.get(_NAME) == name for other in optuna.get_all_study_summaries(storage)):
            raise ValueError("the name of a study has changed")
        study.set_user_attr(_NAME, name)
    if study.user_attrs.get(_NAME) != name:
        raise ValueError("the name of a study has changed")
    if [trial.number for trial in trials] != list(range(len(trials))):
        raise ValueError("a trial is missing")
    for trial in trials:
        if not _is_intact(name, trial):
            raise ValueError(f"trial {trial.number} has changed")


def _is_intact(name: str, trial: FrozenTrial) -> bool:
    digest = trial.user_attrs.get(_DIGEST)
    if trial.state == TrialState.COMPLETE:
        return bool(digest == digest_of(name, trial, trial.value, failed=False))
    if trial.state == TrialState.PRUNED:
        return bool(digest == digest_of(name, trial, None, failed=False))
    if trial.state == TrialState.FAIL and str(digest).startswith("failed-"):
        return bool(digest == digest_of(name, trial, None, failed=True))
    return True
