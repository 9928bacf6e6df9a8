"""`als backtest`: each cut-off equals `als evaluate` on the events up to its end; later events have no effect."""

import json
import statistics
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from als_cli.errors import ArtifactError, ConfigError, DataError
from als_cli.stages import backtest as stage
from als_cli.stages.backtest import backtest
from als_cli.stages.evaluate import evaluate, evaluate_key
from als_cli.stages.train import train
from als_cli.storage.manifest import read_manifest
from als_cli.storage.publish import current_version
from tests.stages.evaluation_builders import START, context_for, fashion, publish_events, two_tastes

PRODUCTION = {
    "baselines": ["popular", "recent_popular", "item_knn"],
    "recent_half_life": "6d",
    "users": 25,
    "seed": 4,
}
SIGNAL = {"half_life": "8d", "min_user_interactions": 2, "min_item_interactions": 3}


def backtesting(folder, clean=None, events=None, train=None, **section):
    """Return a context with a published dataset, for three cut-offs with test periods of five days."""
    section = {"split": {"by": "time", "test": "5d"}, "backtest": {"cut_offs": 3}} | section
    context = context_for(folder, section, events=events or {}, train=train or {})
    return publish_events(context, two_tastes() if clean is None else clean)


def figures(cut_off):
    return {one.method: (one.metrics, one.short_lists) for one in cut_off.methods}


def newest_of(clean):
    return clean["timestamp"].max()


@pytest.mark.parametrize("step", [None, "5d", "36h", "9d"])
def test_cut_offs_go_back_from_the_cut_off_of_evaluate(tmp_path, step):
    clean = two_tastes()
    report = backtest(backtesting(tmp_path, clean, backtest={"cut_offs": 3, "step": step}))
    hours = {None: 120, "5d": 120, "36h": 36, "9d": 216}[step]
    starts = [newest_of(clean) - timedelta(days=5) - timedelta(hours=hours) * back for back in (2, 1, 0)]
    assert [datetime.fromisoformat(one.cut_off) for one in report.cut_offs] == starts
    assert [datetime.fromisoformat(one.end) for one in report.cut_offs] == [
        start + timedelta(days=5) for start in starts
    ]
    assert (report.test_seconds, report.step_seconds) == (5 * 86_400, hours * 3600)


@pytest.mark.parametrize("test", ["5d", "2026-01-26T06:00:00Z"])
def test_every_cut_off_equals_evaluate_on_the_events_up_to_its_end(tmp_path, test):
    clean = two_tastes()
    split = {"split": {"by": "time", "test": test}}
    production = PRODUCTION | split
    report = backtest(backtesting(tmp_path / "all", clean, SIGNAL, **production))
    newest = report.cut_offs[-1].cut_off
    assert len({json.dumps(one.counts) for one in report.cut_offs}) == 3
    for number, cut_off in enumerate(report.cut_offs):
        known = pl.col("timestamp") < datetime.fromisoformat(cut_off.end)
        cut = clean if cut_off.cut_off == newest else clean.filter(known)
        instant = PRODUCTION | {"split": {"by": "time", "test": cut_off.cut_off}}
        alone = evaluate(backtesting(tmp_path / str(number), cut, SIGNAL, **instant))
        assert figures(cut_off) == figures(alone)
        assert cut_off.counts == alone.counts
        assert cut_off.comparisons == alone.comparisons


def test_events_after_a_test_period_do_not_change_its_metrics(tmp_path):
    clean = two_tastes()
    before = backtest(backtesting(tmp_path / "a", clean, SIGNAL, **PRODUCTION))
    for place in (0, 1):
        later = pl.col("timestamp") >= datetime.fromisoformat(before.cut_offs[place].end)
        turned = clean.filter(later).with_columns(
            pl.col("item_id").reverse(), pl.col("user_id").shift(9, fill_value=3), weight=pl.col("weight") * 7
        )
        changed = pl.concat([clean.filter(~later), turned])
        after = backtest(backtesting(tmp_path / str(place), changed, SIGNAL, **PRODUCTION))
        same = [
            (figures(one), one.counts) == (figures(other), other.counts)
            for one, other in zip(before.cut_offs, after.cut_offs, strict=True)
        ]
        assert same == [cut_off <= place for cut_off in range(3)]


def test_spreads_and_leads_agree_with_the_values_per_user(tmp_path):
    report = backtest(backtesting(tmp_path, seed=2))
    per_user = pl.read_parquet(Path(report.backtest) / "per_user.parquet")
    assert report.users == per_user["user_id"].n_unique()
    means = per_user.group_by("cut_off", "method", "k", maintain_order=True).agg(pl.col("ndcg").mean())
    found = {one.method: one for one in report.spreads if one.metric == "ndcg@3"}
    assert list(found) == ["als", "popular", "recent_popular", "item_knn"]
    by_method = {}
    for method, spread in found.items():
        own = means.filter(pl.col("method") == method, pl.col("k") == 3)["ndcg"].to_list()
        by_method[method] = np.array(own)
        expected = (statistics.mean(own), statistics.stdev(own), min(own), max(own))
        assert (spread.mean, spread.deviation, spread.minimum, spread.maximum) == pytest.approx(expected)
    for lead in (one for one in report.leads if one.metric == "ndcg@3"):
        differences = by_method["als"] - by_method[lead.baseline]
        each = [
            one
            for cut_off in report.cut_offs
            for one in cut_off.comparisons
            if (one.baseline, one.metric) == (lead.baseline, "ndcg@3")
        ]
        assert lead.cut_offs == len(each) == 3
        assert lead.ahead == (differences > 0).sum()
        assert lead.clearly_ahead == sum(one.low > 0 and one.p_value < 0.05 for one in each)
        assert lead.clearly_behind == sum(one.high < 0 and one.p_value < 0.05 for one in each)
        assert lead.difference == pytest.approx(differences.mean())
        assert lead.low < lead.difference < lead.high
        # The interval of three cut-offs is narrower than the widest of one.
        assert lead.high - lead.low < max(one.high - one.low for one in each)


def test_the_files_agree_with_the_report_and_the_same_seed_writes_the_same_bytes(tmp_path):
    written = []
    for name in ("one", "other"):
        context = backtesting(tmp_path / name, **PRODUCTION)
        report = backtest(context)
        folder = Path(report.backtest)
        assert folder == current_version(context.backtests_place)
        written.append([(folder / file).read_bytes() for file in ("metrics.json", "per_user.parquet")])
    assert written[0] == written[1]
    document = json.loads(written[0][0])
    assert document["spreads"] == [one.model_dump() for one in report.spreads]
    assert [one["cut_off"] for one in document["cut_offs"]] == [one.cut_off for one in report.cut_offs]
    manifest = read_manifest(folder, "backtest")
    assert manifest.counts == {"cut_offs": 3, "users": report.users}
    per_user = pl.read_parquet(folder / "per_user.parquet")
    assert per_user.columns[:5] == ["cut_off", "user_id", "method", "k", "test_items"]
    assert per_user.schema["cut_off"] == pl.Datetime("us", "UTC")
    assert per_user.height == sum(one.counts["users_evaluated"] for one in report.cut_offs) * 4 * 2


def test_one_cut_off_has_no_deviation_and_without_baselines_there_are_no_leads(tmp_path):
    report = backtest(backtesting(tmp_path, backtest={"cut_offs": 1}, baselines=[]))
    assert {one.deviation for one in report.spreads} == {None}
    assert report.leads == ()


def test_fewer_cut_offs_than_configured_are_a_warning(tmp_path, caplog):
    report = backtest(backtesting(tmp_path, backtest={"cut_offs": 9}))
    assert len(report.cut_offs) == 5
    assert "only 5 of 9 cut-offs can be evaluated (4 have no event before them)" in caplog.text


def test_a_period_without_events_is_left_out_and_named(tmp_path, caplog):
    clean = two_tastes()
    days = (pl.col("timestamp") - START).dt.total_seconds() / 86_400
    report = backtest(backtesting(tmp_path, clean.filter(~days.is_between(19, 25.5))))
    starts = [datetime.fromisoformat(one.cut_off) for one in report.cut_offs]
    assert [(start - START).days for start in starts] == [14, 24]
    assert "only 2 of 3 cut-offs can be evaluated (2026-01-20" in caplog.text
    assert "the test set is empty" in caplog.text


def test_cut_offs_with_too_few_users_for_the_factors_are_left_out_and_all_is_an_error(tmp_path, caplog):
    clean = two_tastes()
    few = clean.filter((pl.col("user_id") < 6) | (pl.col("timestamp") > START + timedelta(days=19)))
    report = backtest(backtesting(tmp_path / "a", few, train={"factors": 8}))
    assert len(report.cut_offs) == 2
    assert "train.factors is 8, but there are only 6 users" in caplog.text
    with pytest.raises(ConfigError, match=r"train\.factors is 300"):
        backtest(backtesting(tmp_path / "b", clean, train={"factors": 300}))


@pytest.mark.parametrize("split", [{"by": "last"}, {"by": "random"}, {"by": "users"}])
def test_other_splits_are_an_error(tmp_path, split):
    with pytest.raises(ConfigError, match=f"by time, but evaluate.split.by is {split['by']}") as refused:
        backtest(backtesting(tmp_path, split=split))
    assert "by: time" in refused.value.hint


def test_candidates_are_an_error(tmp_path):
    with pytest.raises(ConfigError, match=r"evaluate\.candidates"):
        backtest(backtesting(tmp_path, candidates={"path": "nowhere.csv"}))


def test_no_cut_off_is_a_data_error_with_all_reasons(tmp_path):
    with pytest.raises(DataError, match="none of 3 cut-offs can be evaluated") as refused:
        backtest(backtesting(tmp_path, events={"min_item_interactions": 1000}))
    assert len(refused.value.problems) == 3
    assert "test period" in refused.value.hint
    with pytest.raises(DataError, match="nothing to train on"):
        backtest(backtesting(tmp_path, split={"by": "time", "test": "300d"}))


def test_a_missing_dataset_is_an_artifact_error(tmp_path):
    with pytest.raises(ArtifactError, match="no dataset"):
        backtest(context_for(tmp_path, {"split": {"by": "time"}}))


def test_baseline_published_is_evaluated_and_the_gate_is_not(tmp_path, caplog):
    section = {"baselines": ["published"], "gate": {"metric": "ndcg@5", "at_least": "published"}}
    first = backtest(backtesting(tmp_path, **section))
    assert first.published == "no_model"
    assert "baseline published is left out" in caplog.text
    assert "gate" not in caplog.text
    train(backtesting(tmp_path, **section))
    worse = backtest(backtesting(tmp_path, train={"factors": 1, "iterations": 1}, **section))
    assert worse.published == "compared"
    as_published = [figures(one)["als"] for one in first.cut_offs]
    assert [figures(one)["published"] for one in worse.cut_offs] == as_published
    assert [one.ahead for one in worse.leads if one.metric == "ndcg@5"] == [0]


def test_an_interrupted_backtest_keeps_the_last_one(tmp_path, monkeypatch):
    context = backtesting(tmp_path)
    before = Path(backtest(context).backtest)

    def interrupted(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(stage, "leads_of", interrupted)
    with pytest.raises(KeyboardInterrupt):
        backtest(context)
    assert current_version(context.backtests_place) == before
    assert [path.name for path in before.parent.iterdir()] == [before.name]


def test_tables_of_cohorts_are_not_read(tmp_path):
    cohorts = {"items": {"path": str(tmp_path / "nowhere.csv"), "by": ["category"]}}
    assert len(backtest(backtesting(tmp_path, cohorts=cohorts)).cut_offs) == 3


def test_section_backtest_does_not_change_the_key_of_an_evaluation(tmp_path):
    assert evaluate_key(backtesting(tmp_path)) == evaluate_key(
        backtesting(tmp_path, backtest={"cut_offs": 8, "step": "1d"})
    )


def test_cohorts_do_not_change_the_key_of_a_backtest_but_its_cut_offs_do(tmp_path):
    cohorts = {"items": {"path": str(tmp_path / "nowhere.csv"), "by": ["category"]}}
    sections = ({}, {"cohorts": cohorts}, {"backtest": {"cut_offs": 2}})
    reports = (backtest(backtesting(tmp_path, **section)) for section in sections)
    plain, with_cohorts, fewer = (read_manifest(Path(one.backtest), "backtest").key for one in reports)
    assert plain == with_cohorts
    assert plain != fewer


def test_the_leader_has_the_largest_mean_over_the_cut_offs_and_is_one_warning(tmp_path, caplog):
    section = {"split": {"by": "time", "test": "4d"}, "recent_half_life": "1d"}
    report = backtest(backtesting(tmp_path, fashion(5), **section))
    means = {one.method: one.mean for one in report.spreads if one.metric == "ndcg@3"}
    assert report.leader.baseline == "recent_popular" == max(means, key=means.get)
    assert (report.leader.metric, report.leader.value) == ("ndcg@3", means["recent_popular"])
    assert report.leader.model == means["als"]
    [message] = [record.getMessage() for record in caplog.records if "leads" in record.getMessage()]
    expected = (
        f"leads: ndcg@3 {means['recent_popular']:.4f}, als {means['als']:.4f} (means over 3 cut-offs); "
    )
    assert expected in message
    document = json.loads((Path(report.backtest) / "metrics.json").read_text())
    assert document["leader"] == report.leader.model_dump()


def test_the_half_life_of_a_cut_off_comes_from_its_training_set(tmp_path):
    """Its value is the value of `als evaluate`, which has no later events."""
    clean = two_tastes(users=250)
    report = backtest(backtesting(tmp_path / "all", clean))
    newest = report.cut_offs[-1].cut_off
    for number, cut_off in enumerate(report.cut_offs):
        known = pl.col("timestamp") < datetime.fromisoformat(cut_off.end)
        cut = clean if cut_off.cut_off == newest else clean.filter(known)
        instant = {"split": {"by": "time", "test": cut_off.cut_off}}
        alone = evaluate(backtesting(tmp_path / str(number), cut, **instant))
        assert [one.half_life for one in cut_off.methods] == [one.half_life for one in alone.methods]
        assert cut_off.methods[2].half_life is not None
        assert figures(cut_off) == figures(alone)
