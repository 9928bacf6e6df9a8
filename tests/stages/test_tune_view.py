"""The table of `tune`: it fits, it shows the best and the config as it was."""

import io

import pytest
from rich.console import Console

from als_cli.console.views.tune import render_tune
from als_cli.reports import StageOutcome
from als_cli.tuning.report import ScreenReport, TrialReport, TuneReport

POINT = {
    "factors": 1024,
    "regularization": 0.00012345,
    "unobserved_weight": 61.23456,
    "frequency_exponent": 0.71234,
    "alpha": 99.12345,
    "user_exponent": 0.41234,
    "item_exponent": 0.01234,
    "fold_in_regularization": 0.0625123,
    "fold_in_item_exponent": 0.91234,
    "iterations": 16,
}


def trial(number, value, *, untuned=False, state="done"):
    return TrialReport(
        number=number, state=state, untuned=untuned, value=value, parameters=POINT, seconds=1234.5
    )


def report_of(trials, **changed):
    done = [one for one in trials if one.value is not None]
    return TuneReport(
        ingest=None,
        screen=None,
        config="/srv/shop/work/tune/best.yaml",
        study="/srv/shop/work/tune/study.sqlite3",
        study_name="f" * 64,
        metric="precision@100",
        folds=3,
        users=15_000,
        best=max(done, key=lambda one: one.value),
        untuned=trials[0],
        trials=tuple(trials),
        new_trials=2,
        seconds=12345.6,
    ).model_copy(update=changed)


def text_of(report):
    console = Console(file=io.StringIO(), width=80, highlight=False, markup=False)
    console.print(render_tune(report))
    return console.file.getvalue()


@pytest.fixture
def text():
    trials = [trial(1, 0.01, untuned=True), *(trial(n, 0.2 + n / 1000) for n in range(2, 12))]
    return text_of(report_of([*trials, trial(12, None, state="pruned")]))


def rows_of(text):
    return [line.split() for line in text.splitlines() if line.split()[:1] and line.split()[0].isdigit()]


def test_it_fits_80_columns_and_shows_five_and_the_untuned(text):
    assert max(map(len, text.splitlines())) <= 80
    assert "12 trials (11 done, 1 pruned), 2 of them now" in text
    rows = rows_of(text)[-6:]
    assert [row[0] for row in rows] == ["11", "10", "9", "8", "7", "1"]
    assert rows[0] == ["11", "0.21100", "+2010.0", "%", "1024", "16", "0.00012", "1234.5"]
    assert rows[-1] == ["1", "0.01000", "as", "given", "1234.5"]


def test_no_head_is_broken_or_shortened(text):
    [head] = [line.split() for line in text.splitlines() if line.startswith("trial  ")]
    assert head == ["trial", "precision@100", "change", "factors", "iterations", "regularization", "seconds"]


def test_every_value_of_the_best_trial_has_its_full_name(text):
    block = text[text.index("trial 11, values as in tune.space") :]
    found = dict(line.split()[:2] for line in block.splitlines()[1:11])
    assert found == {
        "factors": "1024",
        "iterations": "16",
        "regularization": "0.0001234",
        "unobserved_weight": "61.23",
        "frequency_exponent": "0.7123",
        "alpha": "99.12",
        "user_exponent": "0.4123",
        "item_exponent": "0.01234",
        "fold_in_regularization": "0.06251",
        "fold_in_item_exponent": "0.9123",
    }


def test_when_nothing_is_better_it_says_so():
    text = text_of(report_of([trial(1, 0.5, untuned=True), trial(2, 0.4)]))
    assert "no trial was better than the config as given" in text
    assert "values as in tune.space" not in text


def test_what_was_done_before_the_search_is_said():
    trials = [trial(1, 0.5, untuned=True), trial(2, 0.6)]
    screen = ScreenReport(users=10_000, evaluated=900, trials=(trial(1, 0.3), trial(2, 0.4)), kept=1)
    done = StageOutcome(stage="ingest", status="done", seconds=3.25, report=None)
    text = text_of(report_of(trials, screen=screen, ingest=done))
    assert "events ingested in 3.2 s" in text
    assert "first round: 2 trials on a sample of 10,000 users, the best 1 went on" in text
    left_alone = StageOutcome(stage="ingest", status="up_to_date", seconds=0.1, report=None)
    assert "ingested" not in text_of(report_of(trials, ingest=left_alone))
