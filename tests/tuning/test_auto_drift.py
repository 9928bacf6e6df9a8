"""`auto` on items whose demand moves, and on items whose demand does not: the metric on a later period."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from als_cli.config.evaluate import TimeSplit
from als_cli.config.events import EventsConfig
from als_cli.config.train import TrainConfig
from als_cli.evaluation.fit import fit_ranker, mean_metric
from als_cli.evaluation.rankers import RecentPopular
from als_cli.splitting.division import divide
from als_cli.splitting.protocol import SplitProtocol
from als_cli.tuning.auto import AutoSearch, horizon_of
from als_cli.tuning.parameters import recipe_for

DAYS, ITEMS, GROUPS = 60, 120, 4
SPLIT = TimeSplit(test=timedelta(days=6))
SIGNAL = EventsConfig(source="events.csv")


def events(*, drift):
    """Return events of users that mostly take items of their group. With `drift`, each item has a peak of some days."""
    random = np.random.default_rng(3)
    peaks = random.permutation(np.linspace(0, DAYS + 5, ITEMS))
    base = random.pareto(1.5, ITEMS) + 0.2
    rows = []
    for user in range(300):
        taste = np.where(np.arange(ITEMS) % GROUPS == user % GROUPS, 8.0, 1.0)
        for day in random.uniform(0, DAYS, 12):
            seasonal = np.exp(-np.abs(day - peaks) / 3) if drift else np.ones(ITEMS)
            weight = base * taste * seasonal
            rows.append((user, int(random.choice(ITEMS, p=weight / weight.sum())), day))
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return pl.DataFrame(
        {
            "user_id": [user for user, _, _ in rows],
            "item_id": [item for _, item, _ in rows],
            "timestamp": [start + timedelta(days=day) for _, _, day in rows],
            "weight": 1.0,
            "value": 1.0,
        },
        schema_overrides={"timestamp": pl.Datetime("us", "UTC")},
    )


def metrics_of(clean):
    """Return the choice, and NDCG@10 on the test period: of the model, without demand, and of recent popularity."""
    train = TrainConfig(factors=16, iterations="auto")
    sets = divide(clean.lazy(), SIGNAL, SplitProtocol(SPLIT))
    search = AutoSearch(SIGNAL, 1, horizon=horizon_of(train, SPLIT))
    choice = search.choose(train, sets.events.training)
    chosen = choice.apply(train, sets.training.matrix)
    neutral = chosen.model_copy(update={"demand": train.demand})
    model, plain = (
        mean_metric(
            fit_ranker("als", recipe_for(sets.training.matrix, one, 1), sets),
            sets.holdout.test_set,
            "ndcg@10",
        )
        for one in (chosen, neutral)
    )
    popular = max(
        mean_metric(
            RecentPopular(sets.training.matrix, sets.training.times, timedelta(days=days), 1),
            sets.holdout.test_set,
            "ndcg@10",
        )
        for days in (1, 2, 4, 8, 30)
    )
    return choice, model, plain, popular


def test_where_demand_moves_lists_follow_it_and_are_better_than_plain_lists_and_popularity():
    choice, model, plain, popular = metrics_of(events(drift=True))
    assert choice.point["demand_exponent"] > 0
    assert choice.point["demand_half_life"] <= timedelta(days=14).total_seconds()
    assert model > 1.5 * plain
    assert model > popular


def test_where_demand_does_not_move_lists_are_not_worse_than_plain_lists():
    _, model, plain, popular = metrics_of(events(drift=False))
    assert model > 0.95 * plain
    assert model > popular
