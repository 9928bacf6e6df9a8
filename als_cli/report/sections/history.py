"""Section `history`: the evaluations that are on disk, side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from als_cli.evaluation.methods import MODEL
from als_cli.evaluation.verdict import metric_name
from als_cli.report.charts.lines import LineAxes, Mark, lines
from als_cli.report.methods import THE_MODEL, label_of
from als_cli.report.parts import Chart, Table, table_of
from als_cli.report.text import count, day, figure, instant, percent
from als_cli.storage.versions import StoredVersion


@dataclass(frozen=True)
class HistorySection:
    """The evaluations that are on disk."""

    table: Table
    chart: Chart | None
    """None: there is one evaluation only."""
    change: str
    """What changed since the evaluation before; empty if there is none."""


def history_section(versions: Sequence[StoredVersion], metric: str) -> HistorySection | None:
    """Return the evaluations in `versions`, newest first, compared in `metric`; None if none has this metric."""
    found = [(one, values_in(one, metric)) for one in versions]
    known = [(one, values) for one, values in found if MODEL in values]
    if not known:
        return None
    oldest_first = known[::-1]
    methods = list(dict.fromkeys(name for _, values in oldest_first for name in values))
    marks = [
        Mark(
            instant(one.manifest.created),
            values[name],
            f"{day(one.manifest.created)}: {label_of(name)} {figure(values[name])}",
            label_of(name),
        )
        for name in methods
        for one, values in oldest_first
        if name in values
    ]
    name = metric_name(metric)
    table = table_of(
        f"{name} of the evaluations on disk, the newest first",
        ("evaluated", "test users", *map(label_of, methods)),
        [
            (
                instant(one.manifest.created),
                count(one.manifest.counts.get("users_evaluated", 0)),
                *(figure(values.get(method)) for method in methods),
            )
            for one, values in known
        ],
        marked=0,
    )
    chart = None
    if len(known) > 1:
        summary = (
            f"{name} of each method at each evaluation. Only evaluations that are still on disk are shown."
        )
        axes = LineAxes("evaluated", name, "name")
        chart = Chart(
            "evaluations", "Quality over the evaluations", summary, lines(marks, axes, highlighted=THE_MODEL)
        )
    return HistorySection(table, chart, _change(known, name))


def values_in(version: StoredVersion, metric: str) -> dict[str, float]:
    """Return the value of each method in `metric`; empty if the evaluation does not have it."""
    methods = version.manifest.metrics.get("methods")
    if not isinstance(methods, Mapping):
        return {}
    return {name: float(found[metric]) for name, found in methods.items() if metric in found}


def _change(known: Sequence[tuple[StoredVersion, dict[str, float]]], name: str) -> str:
    if len(known) < 2:
        return ""
    (new, now), (old, before) = known[:2]
    ratio = now[MODEL] / before[MODEL] - 1 if before[MODEL] > 0 else 0.0
    same = new.manifest.metrics.get("dataset") == old.manifest.metrics.get("dataset")
    events = (
        "on the same dataset"
        if same
        else "on another dataset, so the two values are not of the same test users"
    )
    how = (
        "is unchanged"
        if abs(ratio) < 0.0005
        else f"{'rose' if ratio > 0 else 'fell'} by {percent(abs(ratio))}"
    )
    return f"Since the evaluation before, {name} of the model {how}, {events}."
