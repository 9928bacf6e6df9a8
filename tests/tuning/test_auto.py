"""Values for `auto`: selected on a validation set, within a budget, and independent of the machine."""

import numpy as np
import polars as pl
import pytest

from als_cli.als.cost import iteration_seconds, training_bytes
from als_cli.als.native import NativeEngine
from als_cli.config.train import TrainConfig
from als_cli.dataset.aggregation import aggregate
from als_cli.errors import TrainingError
from als_cli.evaluation.protocol import measure
from als_cli.evaluation.rankers import FactorRanker
from als_cli.ranking.native_top_n import item_index
from als_cli.splitting.validation import Horizon, ValidationRules, smaller, validation_sets
from als_cli.stages.evaluate import evaluate
from als_cli.stages.train import train as train_stage
from als_cli.storage.manifest import read_manifest
from als_cli.storage.model_files import open_model
from als_cli.storage.publish import current_version
from als_cli.tuning.auto import AutoRules, AutoSearch
from als_cli.tuning.auto_trial import Trial, TrialRunner
from als_cli.tuning.parameters import recipe_for
from als_cli.tuning.presets import PRESETS
from tests.stages.evaluation_builders import context_for, publish_events, two_tastes

NUMBERS = {
    "unobserved_weight": 0.5, "regularization": 0.01, "confidence": {"user_exponent": 0.0, "item_exponent": 0.0},
}  # fmt: skip
NEUTRAL = {
    "half_life": "infinite", "exponent": 0.0, "long_run_half_life": "infinite", "long_run_exponent": 0.0, "offset": 0.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def clean():
    return two_tastes(users=240, items=60)


def untimed(clean):
    return clean.with_columns(timestamp=pl.lit(None, pl.Datetime("us", "UTC")))


def choosing(folder, **train):
    return context_for(folder, train={"engine": "native", "factors": "auto", "iterations": "auto"} | train)


def chosen(context, clean, **rules):
    matrix = aggregate(clean.lazy(), context.config.events).matrix
    search = AutoSearch(context.config.events, context.threads, rules=AutoRules(**rules))
    return search.resolve(context.config.train, clean.lazy(), matrix)


def duration(seconds):
    return "infinite" if seconds is None else f"{seconds}s"


def validation(context, clean):
    return next(
        iter(validation_sets(clean.lazy(), context.config.events, Horizon(), ValidationRules())), None
    )


def test_every_auto_becomes_a_number(tmp_path, clean):
    found = chosen(choosing(tmp_path), clean)
    assert 16 <= found.factors <= 60
    assert 1 <= found.iterations <= 12
    matrix = aggregate(clean.lazy(), choosing(tmp_path).config.events).matrix
    density = matrix.nnz / np.prod(matrix.shape)
    point = (
        found.unobserved_weight / density, found.regularization,
        found.confidence.user_exponent, found.confidence.item_exponent,
    )  # fmt: skip
    allowed = [tuple(preset.values()) for preset in PRESETS]
    assert any(point == pytest.approx(one) for one in allowed)


@pytest.mark.parametrize(
    "train",
    [{"factors": 8, "iterations": 3}, {"engine": "implicit", "factors": "auto", "iterations": "auto"}],
)
def test_numbers_and_other_engines_stay_as_they_are(tmp_path, clean, train):
    context = choosing(tmp_path, **train)
    assert chosen(context, clean) == context.config.train


def test_with_too_few_users_nothing_is_selected(tmp_path):
    context, few = choosing(tmp_path), two_tastes(users=20)
    assert chosen(context, few) == context.config.train
    matrix = aggregate(few.lazy(), context.config.events).matrix
    assert recipe_for(matrix, context.config.train, 1).settings.factors == min(matrix.shape)


def test_numbers_in_the_config_are_kept(tmp_path, clean):
    found = chosen(choosing(tmp_path, factors=5, **NUMBERS), clean)
    assert (found.factors, found.unobserved_weight, found.regularization) == (5, 0.5, 0.01)
    assert isinstance(found.iterations, int)
    found = chosen(choosing(tmp_path, iterations=2, **NUMBERS), clean)
    assert found.iterations == 2
    assert isinstance(found.factors, int)


def test_the_number_of_iterations_has_the_best_validation_metric(tmp_path, clean):
    """Expected: a separate training per number of iterations, with users folded in as in the iterations."""
    context = choosing(
        tmp_path,
        factors=6,
        fold_in={"regularization": 0.01, "item_exponent": 0.0, "half_life": "infinite"},
        demand=NEUTRAL,
        **NUMBERS,
    )
    periods = validation_sets(clean.lazy(), context.config.events, Horizon(), ValidationRules())
    values = {}
    for iterations in (2, 3, 4, 6, 8, 10, 12):
        train = context.config.train.model_copy(update={"iterations": iterations})
        metrics = []
        for sets in periods:
            factors = recipe_for(sets.training.matrix, train, 1).fit(sets.training.matrix, lambda _: None)
            ranker = FactorRanker("als", factors.users[sets.holdout.user_rows], item_index(factors.items), 1)
            metrics.append(measure(ranker, sets.holdout.test_set, (10,)).averages["ndcg@10"])
        values[iterations] = np.mean(metrics)
        # Training stops after two evaluations without improvement.
        before, last = list(values.values())[:-2], list(values.values())[-2:]
        if before and 0.999 * max(last) <= max(before):
            break
    found, best = chosen(context, clean), max(values.values())
    assert values[found.iterations] >= 0.999 * best
    assert all(value < 0.999 * best for number, value in values.items() if number < found.iterations)
    assert (found.fold_in.regularization, found.fold_in.item_exponent) == (0.01, 0.0)


@pytest.mark.parametrize("budget", [{"time": "0.0001s"}, {"memory": 1e-6}])
def test_the_budget_limits_the_number_of_factors(tmp_path, clean, monkeypatch, budget):
    tried, plain = [], TrialRunner.run

    def recorded(runner, sets, start, factors, best_seen):
        tried.append(factors)
        return plain(runner, sets, start, factors, best_seen)

    monkeypatch.setattr(TrialRunner, "run", recorded)
    assert chosen(choosing(tmp_path, budget=budget), clean, few_factors=16).factors <= 16
    assert max(tried) == 16
    tried.clear()
    chosen(choosing(tmp_path), clean, few_factors=16)
    assert max(tried) > 16


def test_given_factors_may_exceed_the_training_set_of_validation(tmp_path, clean):
    newest = clean.sort("timestamp").tail(1)
    rare = pl.concat([clean, newest.with_columns(item_id=pl.lit(9999, clean.schema["item_id"]))])
    matrix = aggregate(rare.lazy(), choosing(tmp_path).config.events).matrix
    context = choosing(tmp_path, factors=matrix.shape[1], **NUMBERS)
    assert validation(context, rare).training.matrix.shape[1] < matrix.shape[1]
    found = chosen(context, rare)
    assert found.factors == matrix.shape[1]
    assert isinstance(found.iterations, int)


def test_hu2008_selects_factors_and_iterations_only(tmp_path, clean, caplog):
    caplog.set_level("INFO")
    context = choosing(tmp_path, objective="hu2008", confidence={"form": "linear", "alpha": 5.0})
    found = chosen(context, clean)
    assert (found.unobserved_weight, found.regularization) == ("auto", "auto")
    assert isinstance(found.factors, int)
    assert any(record.getMessage().startswith("selected on ") for record in caplog.records)


def test_presets_that_diverge_are_skipped(tmp_path, clean, monkeypatch):
    plain = NativeEngine.iterate

    def diverges(engine, confidence, settings, numbers):
        if settings.regularization != 0.01:
            raise TrainingError("not finite")
        yield from plain(engine, confidence, settings, numbers)

    monkeypatch.setattr(NativeEngine, "iterate", diverges)
    assert chosen(choosing(tmp_path), clean).regularization == 0.01

    def always_diverges(*_):
        raise TrainingError("not finite")
        yield

    monkeypatch.setattr(NativeEngine, "iterate", always_diverges)
    assert chosen(choosing(tmp_path), clean).factors == "auto"


def test_where_no_list_contains_a_test_item_nothing_is_selected(tmp_path, clean, monkeypatch):
    tried = []

    def hopeless(runner, sets, starts, factors, _best_score):
        tried.append(factors)
        return [
            Trial(runner.given.model_copy(update={"factors": factors, "iterations": 3}), start, 0.0)
            for start in starts
        ]

    monkeypatch.setattr(TrialRunner, "run", hopeless)
    context = choosing(tmp_path)
    assert chosen(context, clean) == context.config.train
    assert max(tried) == 60


def test_the_result_does_not_depend_on_the_number_of_threads(tmp_path, clean):
    one, two = choosing(tmp_path), choosing(tmp_path)
    object.__setattr__(two, "threads", 2)
    assert chosen(one, clean) == chosen(two, clean)


def test_the_validation_set_is_the_newest_tenth_or_random_pairs_without_times(tmp_path, clean):
    context = choosing(tmp_path)
    sets = validation(context, clean)
    cut_off = clean["timestamp"].sort()[int(0.9 * (clean.height - 1))]
    assert sets.cut_off == cut_off
    assert sets.training.newest < cut_off
    assert sets.holdout.test_set.history.multiply(sets.holdout.test_set.relevant).nnz == 0
    sampled = validation(context, untimed(clean))
    assert sampled.cut_off is None
    pairs = aggregate(clean.lazy(), context.config.events).matrix.nnz
    assert sampled.training.matrix.nnz == pairs - round(0.1 * pairs)


def test_only_events_of_the_training_set_are_read(tmp_path, clean, monkeypatch):
    context = context_for(
        tmp_path,
        {"split": {"by": "time", "test": "6d"}, "baselines": ["popular"]},
        train={"engine": "native", "factors": "auto", "iterations": "auto"},
    )
    publish_events(context, clean)
    seen, plain = [], AutoSearch.choose

    def recorded(search, train, events):
        seen.append(events.select(pl.col("timestamp").max()).collect().item())
        return plain(search, train, events)

    monkeypatch.setattr(AutoSearch, "choose", recorded)
    report = evaluate(context)
    assert len(seen) == 1
    assert seen[0].isoformat() < report.cut_off


def test_a_model_stores_the_selected_values_and_they_train_the_same_model(tmp_path, clean):
    context = publish_events(choosing(tmp_path), clean)
    first = train_stage(context)
    recipe = read_manifest(current_version(context.models_place), "model").metrics["recipe"]
    settings, rule, fold_in = recipe["settings"], recipe["confidence"], recipe["fold_in"]
    demand = {
        key: duration(value) if key.endswith("life") else value for key, value in recipe["demand"].items()
    }
    again = choosing(
        tmp_path, factors=settings["factors"], iterations=settings["iterations"],
        unobserved_weight=settings["unobserved_weight"], regularization=settings["regularization"],
        confidence={"user_exponent": rule["user_exponent"], "item_exponent": rule["item_exponent"]},
        fold_in={
            "regularization": fold_in["regularization"], "item_exponent": fold_in["confidence"]["item_exponent"],
            "half_life": duration(fold_in["half_life"]),
        },
        demand=demand,
    )  # fmt: skip
    assert len(first.loss) == settings["iterations"]
    users = open_model(context.models_place).factors.users.copy()
    assert train_stage(again).loss == first.loss
    np.testing.assert_array_equal(open_model(again.models_place).factors.users, users)


def test_each_iteration_has_the_factors_of_a_training_with_as_many_iterations(clean, tmp_path):
    matrix = aggregate(clean.lazy(), choosing(tmp_path).config.events).matrix
    recipe = recipe_for(matrix, TrainConfig(factors=7, iterations=3), 1)
    for number, factors in enumerate(
        NativeEngine().iterate(recipe.confidences(matrix), recipe.settings, (1, 2, 3)), start=1
    ):
        alone = recipe_for(matrix, TrainConfig(factors=7, iterations=number), 1).fit(matrix, lambda _: None)
        np.testing.assert_array_equal(factors.users, alone.users)
        np.testing.assert_array_equal(factors.items, alone.items)
    assert number == 3


def test_many_users_are_sampled(tmp_path, clean):
    sets = validation(choosing(tmp_path), clean)
    assert smaller(sets, ValidationRules()) is sets
    sample = smaller(sets, ValidationRules(many_users=200, sampled_users=90))
    assert sample.training.matrix.shape == (90, sets.training.matrix.shape[1])


def test_costs_grow_with_pairs_rows_and_factors(clean, tmp_path):
    matrix = aggregate(clean.lazy(), choosing(tmp_path).config.events).matrix
    assert iteration_seconds(matrix, 32) < iteration_seconds(matrix, 64) < iteration_seconds(matrix, 65)
    assert training_bytes(matrix, 10) == 16 * matrix.nnz + 12 * sum(matrix.shape) * 10
