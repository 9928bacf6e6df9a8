"""The table of `als backtest` at 80 columns."""

import pytest
from rich.console import Console

from als_cli.console.views.backtest import render_backtest
from als_cli.evaluation.backtest_report import BacktestReport, CutOffReport, LeadReport, SpreadReport
from als_cli.evaluation.report import MethodReport

METHODS = ("als", "popular", "recent_popular", "item_knn", "item_bm25", "own_items", "published")


def report(cut_offs, leads=True, hours=0, test_seconds=7 * 86_400.0):
    return BacktestReport(
        test_seconds=test_seconds,
        step_seconds=86_400.0,
        exclude_seen=True,
        at=(10, 20),
        users=12_345_678,
        published="compared",
        cut_offs=tuple(
            CutOffReport(
                cut_off=f"2026-01-{day:02d}T{hours * day:02d}:00:00+00:00",
                end="2026-02-01T00:00:00+00:00",
                counts={"users_evaluated": 1_000_000 + day},
                methods=tuple(
                    MethodReport(
                        method=name, metrics={"ndcg@10": 0.1 + day / 1000}, short_lists=0, seconds=1.0
                    )
                    for name in METHODS
                ),
                comparisons=(),
            )
            for day in cut_offs
        ),
        spreads=tuple(
            SpreadReport(
                method=name,
                metric="ndcg@10",
                mean=0.4321,
                deviation=0.0123 if len(cut_offs) > 1 else None,
                minimum=0.1,
                maximum=0.9,
            )
            for name in METHODS
        ),
        leads=tuple(
            LeadReport(
                baseline=name,
                metric=metric,
                cut_offs=12,
                ahead=11,
                clearly_ahead=9,
                clearly_behind=1,
                difference=0.0222,
                low=-0.0111,
                high=0.0333,
                p_value=p_value,
            )
            for name, p_value in zip(METHODS[1:], (0.0005, 0.02, 0.3, 1.0, 0.5, 0.25), strict=True)
            for metric in ("ndcg@10", "recall@10")
        )
        if leads
        else (),
        backtest="work/backtests/versions/20260101T000000000000-abcdef",
        seconds=12.3,
    )


def rendered(shown):
    console = Console(width=80, force_terminal=False, highlight=False, markup=False)
    with console.capture() as capture:
        console.print(render_backtest(shown))
    return capture.get()


@pytest.fixture(scope="module")
def text():
    return rendered(report((4, 11, 18)))


def test_it_fits_80_columns_and_says_every_figure(text):
    assert max(map(len, text.splitlines())) <= 80
    [row] = [line for line in text.splitlines() if line.startswith("2026-01-11")]
    assert row.split() == ["2026-01-11", "1,000,011", *["0.1110"] * 7]
    for title, value in (
        ("mean", "0.4321"),
        ("std. dev.", "0.0123"),
        ("minimum", "0.1000"),
        ("maximum", "0.9000"),
    ):
        [row] = [line for line in text.splitlines() if line.startswith(title)]
        assert row.removeprefix(title).split() == [value] * 7
    assert not any("_" in line and line.strip().endswith("_") for line in text.splitlines())
    assert "…" not in text


def test_it_says_how_often_the_model_leads(text):
    rows = text[text.index("lead of als in ndcg@10") :].splitlines()
    [row] = [line for line in rows if line.startswith("recent_popular")]
    assert row.split()[1:] == ["11", "9", "1", "+0.0222", "-0.0111", "to", "+0.0333", "0.020", "not", "clear"]
    [row] = [line for line in rows if line.startswith("popular")]
    assert row.split()[-3:] == [
        "<0.001",
        "not",
        "clear",
    ]  # the interval holds 0, so the p-value alone is not enough
    heads = " ".join(" ".join(rows[:3]).split())
    assert "at how many of 12 cut-offs als is ahead, clearly better, clearly worse" in heads
    assert "recall" not in text


def test_names_of_methods_are_whole_where_there_is_room(text):
    few = report((4, 11))
    methods = [one.model_copy(update={"methods": one.methods[:4]}) for one in few.cut_offs]
    shown = rendered(few.model_copy(update={"cut_offs": tuple(methods), "spreads": few.spreads[:4]}))
    [head] = [line.split() for line in shown.splitlines() if line.startswith("cut-off")]
    assert head == ["cut-off", "users", "als", "popular", "recent_popular", "item_knn"]
    assert "recent\n" not in text


def test_what_was_judged_stands_above(text):
    assert "12,345,678 users at 3 cut-offs, 1 day apart, on the 7 days after each" in " ".join(text.split())
    assert text.rstrip().endswith("work/backtests/versions/20260101T000000000000-abcdef")


def test_cut_offs_of_one_day_show_their_time():
    shown = rendered(report((4, 4), hours=3))
    assert shown.count("12:00") == 2
    assert "0.1040" in shown


def test_without_baselines_and_with_one_cut_off_there_is_less_to_say():
    shown = rendered(report((4,), leads=False, test_seconds=3 * 3600.0))
    assert "lead of" not in shown
    assert "on the 3.0 hours after each" in " ".join(shown.split())
    [row] = [line for line in shown.splitlines() if line.startswith("std. dev.")]
    assert row.split() == ["std.", "dev."]


@pytest.mark.parametrize(
    ("half_lives", "shown"),
    [
        (("7d", "7d", "7d"), "recent_popular: half-life 7d"),
        (("7d", "12h", "12h"), "recent_popular: half-life 7d, then 12h"),
        (("7d", "12h", "7d"), "recent_popular: half-life 7d, then 12h, then 7d"),
    ],
)
def test_the_half_lives_of_recent_popular_are_named(half_lives, shown):
    plain = report((4, 11, 18))
    cut_offs = tuple(
        one.model_copy(
            update={
                "methods": tuple(
                    method.model_copy(
                        update={"half_life": half_life if method.method == "recent_popular" else None}
                    )
                    for method in one.methods
                )
            }
        )
        for one, half_life in zip(plain.cut_offs, half_lives, strict=True)
    )
    text = rendered(plain.model_copy(update={"cut_offs": cut_offs}))
    assert [line for line in text.splitlines() if "half-life" in line] == [shown]
    assert "half-life" not in rendered(plain)
