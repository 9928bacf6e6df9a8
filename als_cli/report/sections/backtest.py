"""Section `backtest`: the model beside the baselines at several cut-offs."""

from dataclasses import dataclass

from als_cli.evaluation.backtest_report import Backtest, LeadReport
from als_cli.evaluation.backtest_summary import means_of
from als_cli.evaluation.leader import leading_metric
from als_cli.evaluation.methods import MODEL
from als_cli.evaluation.verdict import QualityVerdict, metric_name, verdict_of
from als_cli.report.charts.lines import LineAxes, Mark, lines
from als_cli.report.methods import THE_MODEL, label_of
from als_cli.report.parts import Chart, Fact, Table, table_of
from als_cli.report.sections.differences import DifferenceWords, differences_chart
from als_cli.report.text import count, day, duration, figure
from als_cli.storage.manifest import Manifest


@dataclass(frozen=True)
class BacktestSection:
    """Quality at several cut-offs in the past."""

    facts: tuple[Fact, ...]
    verdict: QualityVerdict
    cut_offs: Chart
    differences: Chart | None
    spreads: Table


def backtest_section(found: Backtest, manifest: Manifest) -> BacktestSection:
    """Return the figures of the backtest `found`."""
    metric = leading_metric(None, found.at)
    name = metric_name(metric)
    facts = (
        Fact("Cut-offs", count(len(found.cut_offs)), f"{duration(found.step_seconds)} apart"),
        Fact("Test period", duration(found.test_seconds)),
        Fact("Users", count(found.users), "at one cut-off or more"),
        Fact("Evaluated", day(manifest.created)),
    )
    spreads = [one for one in found.spreads if one.metric == metric]
    table = table_of(
        f"{name} over {len(found.cut_offs)} cut-offs",
        ("method", "mean", "standard deviation", "smallest", "largest"),
        [
            (label_of(s.method), figure(s.mean), figure(s.deviation), figure(s.minimum), figure(s.maximum))
            for s in spreads
        ],
        marked=0 if spreads else None,
    )
    verdict = verdict_of(means_of(found.spreads), found.leads, found.users, metric)
    return BacktestSection(facts, verdict, _cut_offs(found, metric), _differences(found, metric), table)


def _cut_offs(found: Backtest, metric: str) -> Chart:
    name = metric_name(metric)
    values = {
        method.method: [
            next(one.metrics[metric] for one in cut_off.methods if one.method == method.method)
            for cut_off in found.cut_offs
        ]
        for method in found.cut_offs[0].methods
    }
    days = [cut_off.cut_off[:10] for cut_off in found.cut_offs]
    marks = [
        Mark(day_, value, f"{day_}: {label_of(method)} {figure(value)}", label_of(method))
        for method, found_values in values.items()
        for day_, value in zip(days, found_values, strict=True)
    ]
    leads = sum(
        all(values[MODEL][place] >= others[place] for others in values.values()) for place in range(len(days))
    )
    summary = f"{name} of each method at each cut-off. At {leads} of {len(days)} cut-offs, no method is better than the model."
    table = table_of(
        f"{name} at each cut-off",
        ("cut-off", "test users", *map(label_of, values)),
        [
            (
                days[place],
                count(cut_off.counts["users_evaluated"]),
                *(figure(one[place]) for one in values.values()),
            )
            for place, cut_off in enumerate(found.cut_offs)
        ],
    )
    spec = lines(marks, LineAxes("cut-off", name, "name"), highlighted=THE_MODEL)
    return Chart("cut-offs", "Quality at each cut-off", summary, spec, table)


def _differences(found: Backtest, metric: str) -> Chart | None:
    name = metric_name(metric)
    words = DifferenceWords[LeadReport](
        "backtest-differences",
        f"{name} of the model minus {name} of each baseline over all cut-offs, with 95 % intervals over users.",
        f"{name} of the model minus baseline, over all cut-offs",
        "ahead at cut-offs",
        lambda one: f"{one.ahead} of {one.cut_offs}",
    )
    return differences_chart([one for one in found.leads if one.metric == metric], metric, words)
