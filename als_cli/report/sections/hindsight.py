"""Section `hindsight`: lists that users saw, evaluated on the events after them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath

import polars as pl

from als_cli.evaluation.hindsight_report import Hindsight, RelevantItems, SlotGroup
from als_cli.evaluation.leader import leading_metric
from als_cli.evaluation.verdict import metric_name
from als_cli.report.charts.bars import Bar, bars
from als_cli.report.item_labels import ItemLabels
from als_cli.report.parts import Chart, Fact, Table, table_of
from als_cli.report.sections.hindsight_history import POPULAR_LIST, evaluations_chart, evaluations_table
from als_cli.report.sections.lists import SOURCE_NAMES
from als_cli.report.text import count, day, duration, figure, percent, plural, readable
from als_cli.storage.hindsight_files import HindsightHistory

_SHOWN = ("ndcg", "recall", "precision", "hit_rate", "hits")
_MOST_SOURCES, _MOST_RULES, _MOST_REASONS = 12, 20, 10
_RELEVANT = {
    "all": "all items that users chose later",
    "new": "new items only, which the user did not have before",
}


@dataclass(frozen=True)
class HindsightSection:
    """The newest lists that were evaluated, and all evaluations over time."""

    facts: tuple[Fact, ...]
    day: str
    """The day of the newest lists."""
    result: str
    """The newest lists beside a list of popular items, in words."""
    is_worse: bool
    """Whether the newest lists are clearly worse than a list of popular items."""
    metrics: tuple[Table, ...]
    """One table per definition of the relevant items."""
    sources: Chart | None
    """None: the lists do not have sources."""
    rules: Table | None
    reasons: Table | None
    over_time: Chart | None
    """None: all evaluations are of the same lists."""
    evaluations: Table
    notes: tuple[str, ...]
    broken: int
    """Files that are broken, and so are left out."""


def hindsight_section(
    history: HindsightHistory, labels: ItemLabels, id_type: pl.DataType
) -> HindsightSection:
    """Return the figures of the newest evaluation in `history`, and all evaluations over time.

    `id_type` is the type of the item ids in `labels`.
    """
    newest = history.evaluations[0]
    found, metric = newest.found, leading_metric(None, newest.found.at)
    every = found.relevant[0]
    rules = [(readable(one.name), one) for one in found.rules[:_MOST_RULES]]
    reasons = _with_titles(found.reasons[:_MOST_REASONS], labels, id_type)
    return HindsightSection(
        facts=_facts(found, newest.created),
        day=day(found.lists.instant),
        result=_result(every, metric),
        is_worse=any(one.metric == metric and one.conclusion == "worse" for one in every.comparisons),
        metrics=tuple(_metrics(one, min(found.at)) for one in found.relevant if one.users),
        sources=_sources(found.sources),
        rules=_groups("Slots that rules filled", "rule", rules),
        reasons=_groups("Slots by their first reason", "item of the history", reasons),
        over_time=evaluations_chart(history.evaluations, metric),
        evaluations=evaluations_table(history.evaluations, metric),
        notes=tuple(_notes(history)),
        broken=len(history.broken),
    )


def _facts(found: Hindsight, created: datetime) -> tuple[Fact, ...]:
    counts, later = found.counts, found.later
    # Lists from other programs can be without sources. All lists have ranks, but those above 100 are not counted.
    shown, hits = max(
        (sum(one.shown for one in groups), sum(one.hits for one in groups))
        for groups in (found.sources, found.ranks)
    )
    name = (
        PurePath(found.lists.path).name if found.lists.version is None else f"version {found.lists.version}"
    )
    events = plural(later.events, "event")
    period = Fact("Later events", events, "without times")
    if later.first is not None and later.last is not None:
        span = duration((later.last - found.lists.instant).total_seconds())
        period = Fact("Later events", span, f"{events}, until {day(later.last)}")
    return (
        Fact("Lists of", day(found.lists.instant), readable(name, 40)),
        period,
        Fact(
            "Evaluated users",
            count(counts.get("users_evaluated", 0)),
            f"of {plural(counts.get('users_with_list', 0), 'user')} with a list",
        ),
        Fact("Slots", count(shown), f"in the lists of these users, {plural(hits, 'hit')}"),
        Fact("Evaluated", day(created)),
    )


def _result(found: RelevantItems, metric: str) -> str:
    """Return the value of the lists in `metric`, and the conclusion about the popularity list."""
    name = metric_name(metric)
    value = next((one for one in found.metrics if one.metric == metric), None)
    compared = next((one for one in found.comparisons if one.metric == metric), None)
    if value is None:
        return ""
    if compared is None or value.popular is None:
        return f"{name} of the lists is {figure(value.value)}. There is no history to make a popularity list from."
    words = {
        "better": "The lists were clearly better than a list of popular items",
        "worse": "The lists were clearly worse than a list of popular items",
    }
    words_of = words.get(
        compared.conclusion, "It is not clear whether the lists were better than a list of popular items"
    )
    return (
        f"{words_of}: {name} is {figure(value.value)} for the lists and {figure(value.popular)} for the popular"
        f" items. The 95 % interval of the difference is {compared.low:+.4f} to {compared.high:+.4f}."
    )


def _metrics(found: RelevantItems, k: int) -> Table:
    wanted = [f"{name}@{k}" for name in _SHOWN]
    shown = sorted(
        (one for one in found.metrics if one.metric in wanted), key=lambda one: wanted.index(one.metric)
    )
    compared = {one.metric: one for one in found.comparisons}
    titles = ["metric", "the lists", "95 % interval"]
    if compared:
        titles += [POPULAR_LIST, "difference", "the lists are"]
    rows = []
    for one in shown:
        cells = [metric_name(one.metric), figure(one.value), f"{figure(one.low)} to {figure(one.high)}"]
        if one.metric in compared:
            difference = compared[one.metric]
            cells += [figure(one.popular), f"{difference.difference:+.4f}", difference.conclusion]
        rows.append((*cells, *[""] * (len(titles) - len(cells))))
    chosen = _RELEVANT.get(found.items, readable(found.items))
    caption = f"Metrics on {chosen}: {plural(found.users, 'user')}, {plural(found.pairs, 'item')}"
    return table_of(caption, [title.replace("_", " ") for title in titles], rows)


def _sources(groups: Sequence[SlotGroup]) -> Chart | None:
    if not groups:
        return None
    named = [(SOURCE_NAMES.get(str(one.name), readable(one.name)), one) for one in groups[:_MOST_SOURCES]]
    rows = [Bar(name, one.hit_rate, _rate(one)) for name, one in named]
    largest, first = named[0]
    summary = (
        f"Hits per slot of each source. The source with most slots is: {largest}. It has"
        f" {plural(first.shown, 'slot')}, and {_rate(first)} of them are hits."
    )
    spec = bars(rows, "fraction of the slots that are hits", axis_format=".2~%")
    return Chart(
        "hindsight-sources", "Hits by source", summary, spec, _groups("Slots by source", "source", named)
    )


def _with_titles(
    groups: Sequence[SlotGroup], labels: ItemLabels, id_type: pl.DataType
) -> list[tuple[str, SlotGroup]]:
    """Return each group of a reason with the title of its item."""
    names = [str(one.name) for one in groups]
    ids = pl.Series(names, dtype=pl.String).cast(id_type, strict=False)
    titles = [label.title for label in labels.of(ids)]
    return [
        (readable(name) if item_id is None else title, one)
        for name, item_id, title, one in zip(names, ids, titles, groups, strict=True)
    ]


def _groups(caption: str, column: str, named: Sequence[tuple[str, SlotGroup]]) -> Table | None:
    if not named:
        return None
    rows = [
        (
            name,
            count(one.shown),
            count(one.hits),
            _rate(one),
            f"{percent(one.low, 2)} to {percent(one.high, 2)}",
        )
        for name, one in named
    ]
    return table_of(caption, (column, "slots", "hits", "hits per slot", "95 % interval"), rows)


def _rate(group: SlotGroup) -> str:
    return percent(group.hit_rate, 2)


def _notes(history: HindsightHistory) -> Iterator[str]:
    if history.broken:
        names = ", ".join(readable(name, 120) for name in history.broken[:3])
        more = f" and {count(len(history.broken) - 3)} more" if len(history.broken) > 3 else ""
        yield f"Broken and left out: {names}{more}."
    if history.not_read:
        yield f"{plural(history.not_read, 'older evaluation')} in the workspace {'is' if history.not_read == 1 else 'are'} not shown."
