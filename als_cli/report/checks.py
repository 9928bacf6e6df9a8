"""Remarks of the first section: what a reader of the report should look at. Each is a pure function of the sections."""

from collections.abc import Iterator

from als_cli.report.artifacts import Artifacts
from als_cli.report.parts import Check
from als_cli.report.sections.data import DataSection
from als_cli.report.sections.hindsight import HindsightSection
from als_cli.report.sections.lists import ListsSection
from als_cli.report.text import duration, percent, plural

_OLD_SECONDS = 7 * 86_400.0
_MANY_REJECTED = 0.01
_MANY_FALLBACK = 0.2
_LOW_COVERAGE = 0.05
_MANY_CHANGED = 0.5
_MOST_LISTS = 0.5
_MANY_ITEMS = 10
"""Minimum ratio of items to slots of a list. With fewer items, lists must share items."""


def checks_of(
    artifacts: Artifacts,
    data: DataSection,
    lists: ListsSection | None,
    hindsight: HindsightSection | None = None,
) -> tuple[Check, ...]:
    """Return the remarks, problems first."""
    found = [*_of_data(data), *_of_artifacts(artifacts), *_of_gate(artifacts)]
    if lists is not None:
        found += [*_of_lists(lists), *_of_equal_lists(artifacts, lists)]
    if hindsight is not None:
        found += _of_hindsight(hindsight)
    return tuple(sorted(found, key=lambda check: check.level != "problem"))


def _of_data(data: DataSection) -> Iterator[Check]:
    age = data.age_seconds
    if age is None:
        text = "The events have no timestamps, so nothing shows how fresh they are, and the lists cannot follow demand."
        yield Check("notice", text, "data")
    elif age > _OLD_SECONDS:
        text = f"The newest event was {duration(age)} old when the events were read. Check that new events arrive."
        yield Check("notice", text, "data")
    if data.rejected_fraction > _MANY_REJECTED:
        text = f"{percent(data.rejected_fraction)} of the rows were rejected. Check their reasons."
        yield Check("notice", text, "data")


def _of_artifacts(artifacts: Artifacts) -> Iterator[Check]:
    """Yield the artifacts that belong to other events than the dataset."""
    content = artifacts.dataset.manifest.content
    for kind, section, command in (
        ("evaluation", "quality", "als evaluate"),
        ("backtest", "backtest", "als backtest"),
        ("model", "training", "als train"),
    ):
        manifest = artifacts.manifests.get(kind)
        if manifest is not None and manifest.metrics.get("dataset") not in (None, content):
            text = f"The {kind} is of an earlier dataset. Run `{command}` to make it again."
            yield Check("notice", text, section)
    lists, model = artifacts.manifests.get("lists"), artifacts.manifests.get("model")
    if lists is not None and model is not None and lists.metrics.get("model") not in (None, model.content):
        text = "The lists were made with an earlier model. Run `als recommend` to make them again."
        yield Check("notice", text, "lists")
    if model is None:
        yield Check("notice", "There is no model yet. Run `als train`.", "about")
    elif lists is None:
        yield Check("notice", "There are no published lists yet. Run `als recommend`.", "about")


def _of_gate(artifacts: Artifacts) -> Iterator[Check]:
    gate = None if artifacts.evaluation is None else artifacts.evaluation[0].gate
    if gate is not None and not gate.met:
        yield Check("problem", "The quality gate is not met, so `als run` publishes no new lists.", "quality")


def _of_lists(lists: ListsSection) -> Iterator[Check]:
    if lists.shortfall_users:
        text = f"{plural(lists.shortfall_users, 'user')} got a list that is not full."
        yield Check("notice", text.replace("users got a list that is", "users got lists that are"), "lists")
    if lists.fallback_fraction > _MANY_FALLBACK:
        text = f"{percent(lists.fallback_fraction, 0)} of the lists are from a fallback, so they are not personal."
        yield Check("notice", text, "lists")
    if lists.coverage is not None and lists.coverage < _LOW_COVERAGE:
        text = f"The lists have only {percent(lists.coverage)} of the items. All other items are never recommended."
        yield Check("notice", text, "lists")
    if lists.changed_fraction is not None and lists.changed_fraction > _MANY_CHANGED:
        text = (
            f"{percent(lists.changed_fraction, 0)} of the users have another list than in the version before."
        )
        yield Check("notice", text, "lists")


def _of_hindsight(hindsight: HindsightSection) -> Iterator[Check]:
    if hindsight.is_worse:
        text = (
            f"On later events, the lists of {hindsight.day} were clearly worse than a list of popular items."
        )
        yield Check("notice", text, "hindsight")
    if hindsight.broken:
        number = plural(hindsight.broken, "file")
        verb = "is" if hindsight.broken == 1 else "are"
        yield Check("notice", f"{number} in the folder hindsight {verb} broken and left out.", "hindsight")


def _of_equal_lists(artifacts: Artifacts, lists: ListsSection) -> Iterator[Check]:
    if artifacts.model is None or lists.most_common is None or lists.most_common <= _MOST_LISTS:
        return
    if len(artifacts.model.item_ids) >= _MANY_ITEMS * artifacts.recommend.top_n:
        text = (
            f"One item is in {percent(lists.most_common, 0)} of the lists, which hardly differ between users. "
            "A smaller train.demand.offset makes them more personal."
        )
        yield Check("notice", text, "lists")
