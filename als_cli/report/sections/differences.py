"""The chart of the differences between the model and the baselines, with their intervals."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from als_cli.evaluation.report import DifferenceReport
from als_cli.evaluation.verdict import metric_name
from als_cli.report.charts.intervals import Interval, intervals
from als_cli.report.methods import label_of
from als_cli.report.parts import Chart, table_of

OneDifference = TypeVar("OneDifference", bound=DifferenceReport)


@dataclass(frozen=True)
class DifferenceWords(Generic[OneDifference]):
    """The words of a chart of differences, and the last column of its table."""

    name: str
    """Name of the chart."""
    summary: str
    title: str
    """Title of the table."""
    column: str
    """Heading of the last column."""
    cell: Callable[[OneDifference], str]
    """Returns the text of the last column."""


def differences_chart(
    found: Sequence[OneDifference], metric: str, words: DifferenceWords[OneDifference]
) -> Chart | None:
    """Return the chart of the differences `found`, which are all of `metric`, the smallest first; None without any."""
    if not found:
        return None
    ordered = sorted(found, key=lambda one: (one.difference, one.baseline))
    rows = [
        Interval(
            label_of(one.baseline),
            one.low,
            one.difference,
            one.high,
            f"{one.difference:+.4f} ({_interval(one)})",
            one.conclusion,
        )
        for one in ordered
    ]
    table = table_of(
        words.title,
        ("baseline", "the model is", "difference", "95 % interval", words.column),
        [
            (
                label_of(one.baseline),
                one.conclusion,
                f"{one.difference:+.4f}",
                _interval(one),
                words.cell(one),
            )
            for one in ordered
        ],
        texts=2,
    )
    spec = intervals(rows, f"difference in {metric_name(metric)}")
    return Chart(words.name, "How sure the differences are", words.summary, spec, table)


def _interval(one: DifferenceReport) -> str:
    return f"{one.low:+.4f} to {one.high:+.4f}"
