"""The evaluations of lists that users saw, over time: the chart and the table of section `hindsight`."""

from collections.abc import Callable, Sequence
from datetime import datetime

from als_cli.evaluation.hindsight_report import Hindsight, HindsightMetric
from als_cli.evaluation.verdict import metric_name
from als_cli.report.charts.lines import LineAxes, Mark, lines
from als_cli.report.parts import Chart, Table, table_of
from als_cli.report.text import count, day, figure, instant
from als_cli.storage.hindsight_files import StoredHindsight

POPULAR_LIST = "popular items"
"""How charts and tables name the list of popular items."""
_THE_LISTS = "the lists"
_MOST_POINTS, _MOST_ROWS = 200, 30


def evaluations_chart(evaluations: Sequence[StoredHindsight], metric: str) -> Chart | None:
    """Return `metric` over the instants of the lists, one point per instant; None with fewer than two instants.

    `evaluations` has the newest lists first, and of the same lists the evaluation until the latest event first.
    """
    points = _points(evaluations, metric)
    if len(points) < 2:
        return None
    name = metric_name(metric)
    marks = [
        Mark(when, value, f"lists of {when}: {series} {figure(value)}", series)
        for series in (_THE_LISTS, POPULAR_LIST)
        for when, one in reversed(points.items())
        if (value := one.value if series == _THE_LISTS else one.popular) is not None
    ]
    first, last = (next(iter(side)) for side in (reversed(points.values()), points.values()))
    beside = (
        ""
        if all(one.popular is None for one in points.values())
        else " A list of popular items is beside them: both lines rise and fall with the events, so compare their distance."
    )
    summary = (
        f"{name} of the lists of {count(len(points))} publications. It was {figure(first.value)} for the oldest lists and"
        f" is {figure(last.value)} for the newest.{beside}"
    )
    axes = LineAxes("lists of", name, "name")
    spec = lines(marks, axes, highlighted=_THE_LISTS)
    return Chart("hindsight-over-time", "Quality of the lists over time", summary, spec)


def _points(evaluations: Sequence[StoredHindsight], metric: str) -> dict[str, HindsightMetric]:
    """Return the value of the lists by their day, the newest first; by their minute if two have the same day."""
    valued = [(one.found, value) for one in evaluations if (value := _value(one.found, metric)) is not None]
    name_of = _name_of_instants([found for found, _ in valued])
    points: dict[str, HindsightMetric] = {}
    for found, value in valued:
        points.setdefault(name_of(found.lists.instant), value)
    return dict(list(points.items())[:_MOST_POINTS])


def _name_of_instants(found: Sequence[Hindsight]) -> Callable[[datetime], str]:
    """Return the function that names the instants of lists: by day, or by minute if two instants have the same day."""
    instants = {one.lists.instant for one in found}
    return day if len({day(time) for time in instants}) == len(instants) else instant


def evaluations_table(evaluations: Sequence[StoredHindsight], metric: str) -> Table:
    """Return the newest of `evaluations` with their values in `metric`."""
    name, shown = metric_name(metric), evaluations[:_MOST_ROWS]
    of = "all" if len(shown) == len(evaluations) else f"the newest {len(shown)} of {count(len(evaluations))}"
    caption = f"{name} of {of} evaluations, the newest lists first"
    name_of = _name_of_instants([one.found for one in evaluations])
    rows = [(name_of(one.found.lists.instant), *_cells(one.found, metric)) for one in shown]
    titles = ("lists of", "events until", "evaluated users", _THE_LISTS, POPULAR_LIST, "the lists are")
    return table_of(caption, titles, rows, marked=0)


def _cells(found: Hindsight, metric: str) -> tuple[str, ...]:
    value = _value(found, metric)
    conclusion = next((one.conclusion for one in found.relevant[0].comparisons if one.metric == metric), "–")
    return (
        day(found.later.last),
        count(found.counts.get("users_evaluated", 0)),
        figure(None if value is None else value.value),
        figure(None if value is None else value.popular),
        conclusion,
    )


def _value(found: Hindsight, metric: str) -> HindsightMetric | None:
    """Return `metric` of `found` on all relevant items; None if the evaluation does not have it."""
    return next((one for one in found.relevant[0].metrics if one.metric == metric), None)
