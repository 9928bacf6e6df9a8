"""The stored choice of `auto`: it serves the training after an evaluation, and later runs, until it is out of date.

File: choice.json. The manifest has the basis of the choice.
"""

import json
import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import TypeAdapter, ValidationError

from als_cli import __version__
from als_cli.config.evaluate import GivenSplit
from als_cli.config.root import Config
from als_cli.dataset.aggregation import PAIR_SIGNAL
from als_cli.errors import ArtifactError, OtherVersionError
from als_cli.progress import Progress
from als_cli.storage.dataset_files import StoredDataset
from als_cli.storage.documents import read_document
from als_cli.storage.manifest import current_artifact, stage_key, write_manifest
from als_cli.storage.ownership import MANIFEST
from als_cli.storage.publish import current_version, staged_folder
from als_cli.storage.repair import broken
from als_cli.tuning.auto import AutoSearch, Choice, checked_choice, horizon_of, is_open
from als_cli.tuning.compared import ComparedTrial

CHOICE = "choice.json"
_TIMES = ("as_of", "until", "time")
_MAXIMUM_CHANGE = 1.25
"""Ratio of the numbers of pairs, now and at the choice, above which data have changed too much."""

_TRIALS = TypeAdapter(tuple[ComparedTrial, ...])

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ChoiceBasis:
    """All that decides whether a choice may be used."""

    settings: str
    """Hash of the settings of the search."""
    dataset: str
    """Content hash of the dataset."""
    as_of: datetime | None
    """The instant of the dataset: it has no later events. None: all events exist."""
    events: str
    """Hash of the events that the choice depends on."""
    until: datetime | None
    """The choice depends on events before this time only; None: on all events of the dataset, or on a random part."""
    interactions: int
    """Pairs of the dataset."""
    time: datetime
    """Time of the newest event of the dataset; the time of the choice if events have no timestamps."""

    @classmethod
    def of_dataset(cls, config: Config, dataset: StoredDataset) -> "ChoiceBasis":
        """Return the basis of a choice on all events of `dataset`, which `train` may use."""
        return cls(
            settings=_settings_key(config),
            dataset=dataset.manifest.content,
            as_of=dataset.manifest.as_of,
            events=stage_key(dataset=dataset.manifest.content),
            until=None,
            interactions=dataset.interactions.matrix.nnz,
            time=dataset.interactions.newest or datetime.now(UTC),
        )

    @classmethod
    def of_split(
        cls, config: Config, dataset: StoredDataset, split: GivenSplit, cut_off: datetime | None
    ) -> "ChoiceBasis":
        """Return the basis of a choice on the training set of `split`. `cut_off` is the start of its test period, if any."""
        whole = cls.of_dataset(config, dataset)
        events = stage_key(dataset=dataset.manifest.content, split=split.model_dump(mode="json"))
        return replace(whole, events=events, until=cut_off)


@dataclass(frozen=True)
class ChoiceStore:
    """The folder of the choice, and the config that choices are made for."""

    place: Path
    config: Config
    search: AutoSearch

    @classmethod
    def of(cls, place: Path, config: Config, threads: int, progress: Progress) -> "ChoiceStore":
        """Return the store in `place` for the settings of `config`, which `evaluate` and `train` share."""
        horizon = horizon_of(config.train, config.evaluate.split)
        return cls(place, config, AutoSearch(config.events, threads, progress, horizon=horizon))

    def choose(self, clean: Callable[[], pl.LazyFrame], basis: ChoiceBasis, *, unseen: bool) -> Choice | None:
        """Return the stored choice if it serves `basis`, otherwise a new one, which is stored.

        `clean` returns the clean events. It is called only for a new choice. None if :meth:`als_cli.tuning.auto.AutoSearch.choose` has no choice. `unseen` as in :func:`stored_choice`.
        """
        train = self.config.train
        if not is_open(train):
            return None
        stored = stored_choice(self.place, basis, train.choose_again, unseen=unseen)
        if stored is not None:
            log.info("settings of an earlier run are used again: %s %.4f", stored.metric, stored.value)
            return stored
        started = time.perf_counter()
        choice = self.search.choose(train, clean())
        if choice is not None:
            seconds = time.perf_counter() - started
            write_choice(self.place, choice, basis, self.config, threads=self.search.threads, seconds=seconds)
        return choice


def stored_choice(place: Path, basis: ChoiceBasis, choose_again: timedelta, *, unseen: bool) -> Choice | None:
    """Return the choice in `place` if it serves `basis`, else None.

    It serves if the settings of the search are the same, the number of pairs has changed by a quarter at most, and it
    is not older than `choose_again`. If `basis` has an instant, the choice must not depend on later events. With
    `unseen`, it must not depend on events outside the training set of `basis`.

    Raises
    ------
    ArtifactError
        The choice is broken. A new choice could differ, so it is not made without notice.
    """
    stored = _read_choice(place)
    if stored is None:
        return None
    choice, found = stored
    ratio = max(found.interactions, basis.interactions) / max(1, min(found.interactions, basis.interactions))
    serves = (
        found.settings == basis.settings
        and ratio <= _MAXIMUM_CHANGE
        and abs(basis.time - found.time) <= choose_again
        and not _may_know_later_events(found, basis)
        and (not unseen or _is_unseen(found, basis))
    )
    return choice if serves else None


def _read_choice(place: Path) -> tuple[Choice, ChoiceBasis] | None:
    """Return the choice in `place` and its basis; None if there is none, or another version of als-cli wrote it."""
    try:
        if current_version(place) is None:
            return None
        folder, manifest = current_artifact(place, "choice")
        if manifest.tool_version != __version__:
            return None
        path = manifest.file(folder, CHOICE)
        try:
            basis = _basis_from_json(manifest.metrics["basis"])
            return checked_choice(Choice.from_json(read_document(path))), basis
        except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as unreadable:
            raise broken(path, "choice", unreadable) from unreadable
    except OtherVersionError:
        return None
    except ArtifactError as unusable:
        hint = f"remove {place}, so that `als train` selects the settings again"
        raise ArtifactError(unusable.message, hint=hint) from unusable


def write_choice(place: Path, choice: Choice, basis: ChoiceBasis, config: Config, **run: Any) -> None:
    """Publish `choice` in `place`; `run` has the manifest's threads and seconds."""
    with staged_folder(place, keep=config.keep) as folder:
        (folder / CHOICE).write_text(json.dumps(choice.to_json(), indent=2) + "\n", encoding="utf-8")
        write_manifest(
            folder,
            kind="choice",
            key=stage_key(settings=basis.settings, events=basis.events),
            config=config.model_dump(mode="json"),
            metrics={
                "basis": _basis_to_json(basis),
                "compared": [trial.model_dump(mode="json") for trial in choice.compared],
            },
            **run,
        )


def compared_trials(place: Path) -> tuple[ComparedTrial, ...]:
    """Return the trials behind the choice in `place`; none if there is no choice, or another version of als-cli wrote it.

    Raises
    ------
    ArtifactError
        The manifest of the choice is broken.
    """
    try:
        if current_version(place) is None:
            return ()
        folder, manifest = current_artifact(place, "choice")
    except OtherVersionError:
        return ()
    try:
        return _TRIALS.validate_python(manifest.metrics.get("compared", ()))
    except ValidationError as wrong:
        raise broken(folder / MANIFEST, "choice", "metrics.compared is not valid") from wrong


def _may_know_later_events(found: ChoiceBasis, basis: ChoiceBasis) -> bool:
    """Return whether the choice of `found` may depend on events after the instant of `basis`."""
    if basis.as_of is None or found.dataset == basis.dataset:
        return False
    return found.as_of is None or found.as_of > basis.as_of


def _is_unseen(found: ChoiceBasis, basis: ChoiceBasis) -> bool:
    if found.events == basis.events:
        return True
    return found.until is not None and basis.until is not None and found.until <= basis.until


def _settings_key(config: Config) -> str:
    return stage_key(
        train=config.train.model_dump(mode="json", exclude={"choose_again"}),
        split=config.evaluate.split.model_dump(mode="json"),
        signal=config.events.model_dump(mode="json", include=PAIR_SIGNAL - {"as_of"}),
    )


def _basis_to_json(basis: ChoiceBasis) -> dict[str, Any]:
    values = asdict(basis)
    return values | {name: values[name].isoformat() if values[name] else None for name in _TIMES}


def _basis_from_json(values: dict[str, Any]) -> ChoiceBasis:
    times = {name: datetime.fromisoformat(values[name]) if values[name] else None for name in _TIMES}
    basis = ChoiceBasis(**{**values, **times})
    if type(basis.interactions) is not int or basis.time is None:
        raise ValueError("the basis of the choice has no valid number of pairs or no time")
    if any(time is not None and time.tzinfo is None for time in times.values()):
        raise ValueError("a time of the basis has no zone")
    return basis
