"""Quality by cohort: users by length of history or by a column, items by popularity."""

from collections.abc import Sequence

from als_cli.evaluation.report import Evaluation
from als_cli.evaluation.verdict import metric_name
from als_cli.report.charts.bars import Bar, grouped_bars
from als_cli.report.methods import THE_MODEL, label_of
from als_cli.report.parts import Chart, Table, table_of
from als_cli.report.text import count, figure, percent, readable


def user_cohorts(evaluation: Evaluation, metric: str, methods: Sequence[str]) -> Chart | None:
    """Return `metric` by length of the history, for `methods`; None with fewer than two cohorts."""
    found = [one for one in evaluation.cohorts if one.column is None]
    if len(found) < 2:
        return None
    names = {one.cohort: f"{one.minimum}–{one.maximum} items" for one in found}
    rows = [
        Bar(
            names[one.cohort],
            one.methods[method][metric],
            figure(one.methods[method][metric]),
            label_of(method),
        )
        for one in found
        for method in methods
    ]
    table = table_of(
        f"{metric_name(metric)} by length of the history",
        ("items of the user", "users", *map(label_of, methods)),
        [
            (names[one.cohort], count(one.users), *(figure(one.methods[m][metric]) for m in methods))
            for one in found
        ],
    )
    summary = (
        f"{metric_name(metric)} of users with few and with many items in the training set. "
        "A model that is good for all cohorts does not depend on long histories."
    )
    spec = grouped_bars(rows, metric_name(metric), THE_MODEL)
    return Chart("user-cohorts", "By length of the history", summary, spec, table)


def item_cohorts(evaluation: Evaluation, methods: Sequence[str]) -> Chart | None:
    """Return the fraction of the slots by popularity of the items, for `methods`; None with fewer than two cohorts."""
    found, k = [one for one in evaluation.item_cohorts if one.column is None], evaluation.at[0]
    if len(found) < 2:
        return None
    total = sum(one.interactions for one in found) or 1
    series = {"training pairs": {one.cohort: one.interactions / total for one in found}}
    for method in methods:
        series[label_of(method)] = {
            one.cohort: one.methods[method][f"slot_fraction@{k}"] or 0.0 for one in found
        }
    names = {one.cohort: f"{one.cohort} ({count(one.items)} items)" for one in found}
    rows = [
        Bar(names[one.cohort], values[one.cohort], percent(values[one.cohort]), label)
        for one in found
        for label, values in series.items()
    ]
    table = table_of(
        "Fraction of training pairs and of slots, by popularity of the items",
        ("items", *(name if name == "training pairs" else f"lists of {name}" for name in series)),
        [(names[one.cohort], *(percent(values[one.cohort]) for values in series.values())) for one in found],
    )
    head = found[0]
    summary = (
        "Items from popular to rare: head, middle and tail, each with about a third of the training pairs. The head fills "
        f"{percent(series[THE_MODEL][head.cohort], 0)} of the slots of the model. "
        "In lists that follow the events, the bars of a group are equally long."
    )
    return Chart(
        "item-cohorts",
        "By popularity of the items",
        summary,
        grouped_bars(rows, "fraction", THE_MODEL, ".0%"),
        table,
    )


def other_cohorts(evaluation: Evaluation, metric: str, methods: Sequence[str]) -> Table | None:
    """Return `metric` by the columns of `evaluate.cohorts`, for `methods`; None without columns."""
    rows = [
        (
            readable(one.column),
            readable(one.cohort),
            count(one.users),
            *(figure(one.methods[m][metric]) for m in methods),
        )
        for one in evaluation.cohorts
        if one.column is not None
    ]
    if not rows:
        return None
    return table_of(
        f"{metric_name(metric)} by cohort",
        ("column", "cohort", "users", *map(label_of, methods)),
        rows,
        texts=2,
    )
