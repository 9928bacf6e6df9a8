"""The tables of `als evaluate`: width, best values, left out users."""

import io
import re

import pytest
from rich.console import Console

from als_cli.console.views.evaluate import render_evaluate
from als_cli.evaluation.report import (
    ComparisonReport,
    EvaluateReport,
    FallbackReport,
    GateReport,
    ItemCohortReport,
    MethodReport,
    SplitChoiceReport,
)

NAMES = ("ndcg", "recall", "precision", "map", "mrr", "hit_rate")
NAMES += ("coverage", "popularity", "gini", "novelty", "popularity_lift", "filled", "diversity")


METHODS = ("als", "popular", "item_knn", "recent_popular")


def method(name, ndcg, popularity=123.4):
    metrics = {f"{metric}@{k}": 0.12345 for metric in NAMES for k in (10, 20)}
    changed = {f"ndcg@{k}": ndcg for k in (10, 20)} | {f"popularity@{k}": popularity for k in (10, 20)}
    return MethodReport(method=name, metrics=metrics | changed, short_lists=0, seconds=1.0)


def comparison(baseline, low, high, k=10, p_value=1 / 2001):
    middle = (low + high) / 2
    return ComparisonReport(
        baseline=baseline, metric=f"ndcg@{k}", difference=middle, low=low, high=high, p_value=p_value
    )


@pytest.fixture
def report():
    return EvaluateReport(
        split={"by": "time", "test": "7d"},
        cut_off="2011-12-02T12:50:00+00:00",
        exclude_seen=True,
        at=(10, 20),
        counts={
            "training_users": 1_234_567,
            "training_items": 234_567,
            "training_interactions": 123_456_789,
            "test_users_without_history": 4321,
            "test_pairs_unknown_to_training": 0,
            "users_evaluated": 1_000_000,
        },
        methods=(
            method("als", 0.3),
            method("popular", 0.1, 12_345_678.9),
            method("item_knn", 0.2),
            method("recent_popular", 0.15),
        ),
        comparisons=(comparison("popular", 0.19, 0.21), comparison("item_knn", -0.01, 0.02)),
        cohorts=(),
        item_cohorts=tuple(
            ItemCohortReport(
                column=column,
                cohort=name,
                items=9,
                minimum=1,
                maximum=9,
                interactions=50,
                test_pairs=5,
                methods={"als": {"slot_fraction@10": fraction, "recall@10": None}},
            )
            for column, name, fraction in (
                (None, "head", 0.615),
                (None, "middle", 0.25),
                (None, "tail", 0.135),
                ("kind", "tea", 1.0),
            )
        ),
        fallback=FallbackReport(lists=4321, fraction=0.043, slot_fraction={"@10": 0.043, "@20": 0.043}),
        gate=GateReport(metric="ndcg@10", value=0.3, threshold=0.1, baseline="popular", users=99, met=True),
        evaluation="work/evaluations/versions/20260101T000000000000-abcdef",
        seconds=12.3,
    )


def lines_of(report, width=80):
    console = Console(file=io.StringIO(), width=width, highlight=False, markup=False)
    console.print(render_evaluate(report))
    return console.file.getvalue().splitlines()


def test_it_fits_80_columns_without_cutting_a_number(report):
    lines = lines_of(report)
    assert max(map(len, lines)) <= 80
    assert not any("…" in line for line in lines)
    rows = [line.split() for line in lines if line.startswith(METHODS)]
    assert [len(row) for row in rows if "to" not in row] == [7] * 4 + [8] * 4 + [7] * 4 + [8] * 4


def test_the_best_of_an_accuracy_column_is_marked(report):
    lines = lines_of(report)
    tables = lines[: [line.strip() for line in lines].index("make-up of lists of 10")]
    rows = {line.split()[0]: line for line in tables if line.startswith(METHODS)}
    assert "0.3000*" in rows["als"]
    assert "0.1000*" not in rows["popular"]
    assert "0.1000" in rows["popular"]


def test_a_method_alone_is_not_called_best(report):
    alone = report.model_copy(update={"methods": report.methods[:1], "gate": None})
    assert not [line for line in lines_of(alone) if line.startswith("als") and "*" in line]


def test_left_out_users_are_named_and_zeros_are_not(report):
    text = " ".join(lines_of(report))
    assert "left out: 4,321 test users (4.3 %) without history" in text
    assert "count as misses" not in text


def test_the_popularity_of_listed_items_is_one_line(report):
    text = " ".join(lines_of(report))
    assert "lists of 10 by als: 61.5 % head, 25.0 % middle, 13.5 % tail items;" in text
    assert "tea" not in text
    assert "metrics.json" not in " ".join(lines_of(report.model_copy(update={"item_cohorts": ()})))


def test_the_gate_line_names_value_and_threshold(report):
    assert "gate met: ndcg@10 0.3000, at least popular 0.1000" in lines_of(report)
    failed = GateReport(metric="ndcg@10", value=0.3, threshold=0.5, baseline=None, users=99, met=False)
    missed = report.model_copy(update={"gate": failed})
    assert "gate NOT met: ndcg@10 0.3000, at least 0.5" in lines_of(missed)
    few = report.model_copy(update={"gate": failed.model_copy(update={"users": 12})})
    assert "gate NOT met: test users: 12, a gate needs at least 30" in lines_of(few)


def test_the_choice_of_auto_is_named(report):
    assert "1,000,000 test users, split by time at 2011-12-02T12:50:00+00:00" in lines_of(report)[0]
    assert "auto" not in "".join(lines_of(report))
    choice = SplitChoiceReport(test_users=1_000_000, why_random=None)
    chosen = report.model_copy(update={"split_choice": choice})
    assert lines_of(chosen)[1] == "evaluate.split is auto: test: 7d was chosen"
    split = {"by": "random", "fraction": 0.2, "seed": 0}
    drawn = chosen.model_copy(update={"split": split, "cut_off": None})
    assert lines_of(drawn)[:2] == [
        "1,000,000 test users, split by random",
        "evaluate.split is auto: fraction: 0.2 was chosen",
    ]


def compared_lines(report):
    """Return the lines of the comparisons: a baseline, a difference and its interval."""
    return [line for line in lines_of(report) if re.match(r"\w+ +[+-]0\.\d+ +[+-]", line)]


def test_the_result_is_in_plain_words(report):
    text = " ".join(" ".join(lines_of(report)).split())
    assert "It is not clear whether the model or the strongest baseline, item_knn, gives better lists" in text
    assert "choose a longer evaluate.split.test, or run als backtest." in text


def test_each_baseline_has_its_line_with_interval_and_conclusion(report):
    lines = lines_of(report)
    assert "lead of als in ndcg@10: als minus baseline" in [line.strip() for line in lines]
    [head] = [line for line in lines if line.startswith("baseline ")]
    assert head.split() == ["baseline", "difference", "95", "%", "interval", "p", "als", "is"]
    assert [line.split() for line in compared_lines(report)] == [
        ["popular", "+0.2000", "+0.1900", "to", "+0.2100", "<0.001", "better"],
        ["item_knn", "+0.0050", "-0.0100", "to", "+0.0200", "<0.001", "not", "clear"],
    ]
    behind = report.model_copy(update={"comparisons": (comparison("popular", -0.2, -0.1),), "gate": None})
    assert [line.split()[-1] for line in compared_lines(behind)] == ["worse"]


def test_the_conclusion_agrees_with_the_p_value(report):
    near = comparison("popular", 0.001, 0.3, p_value=0.054)
    lines = compared_lines(report.model_copy(update={"comparisons": (near,), "gate": None}))
    assert [line.split()[-3:] for line in lines] == [["0.054", "not", "clear"]]


def test_the_comparison_is_in_the_metric_of_the_gate(report):
    gate = GateReport(
        metric="ndcg@20",
        value=0.3,
        threshold=0.1,
        baseline="popular",
        users=99,
        met=True,
        low=0.1,
        p_value=0.002,
    )
    other = report.model_copy(
        update={"comparisons": (*report.comparisons, comparison("popular", 0.1, 0.2, k=20)), "gate": gate}
    )
    lines = lines_of(other)
    assert "lead of als in ndcg@20: als minus baseline" in [line.strip() for line in lines]
    assert "gate met: ndcg@20 0.3000, at least popular 0.1000, lead from +0.1000, p 0.002" in lines


def test_the_half_life_of_recent_popular_is_named(report):
    assert not [line for line in lines_of(report) if "half-life" in line]
    *others, recent = report.methods
    named = report.model_copy(update={"methods": (*others, recent.model_copy(update={"half_life": "14d"}))})
    assert [line for line in lines_of(named) if "half-life" in line] == ["recent_popular: half-life 14d"]
