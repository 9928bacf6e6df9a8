"""Popularity on public data. It has no randomness, so it must give the published metrics."""

from pathlib import Path

import polars as pl
import pytest

from als_cli.evaluation.protocol import measure
from als_cli.evaluation.rankers import Popular
from tests.stages.evaluation_builders import BUILT_CLEAN, context_for, divided, publish_events

ROOT = Path(__file__).resolve().parents[2]
PUBLIC = ROOT.parent / "shared" / "data"
PUBLISHED = {
    "gowalla": {"recall@20": 0.0416, "ndcg@20": 0.0317},
    "ml1m_topn": {"ndcg@10": 0.1622, "recall@10": 0.0858, "precision@10": 0.1393},
}


def popularity_on(name, tmp_path, k, section=None):
    """Return the metrics of popularity on a public split: its training file as events, its test file as test set."""
    folder = PUBLIC / name
    if not folder.is_dir():
        pytest.skip(f"the public data set {name} is not beside the checkout")
    split = {"by": "file", "path": str(folder / "test.parquet")}
    context = context_for(tmp_path, {"split": split, "at": [k], **(section or {})})
    train = pl.read_parquet(folder / "train.parquet", columns=["user_id", "item_id"])
    clean = train.with_columns(
        pl.lit(None, BUILT_CLEAN["timestamp"]).alias("timestamp"), weight=pl.lit(1.0), value=pl.lit(1.0)
    )
    publish_events(context, clean)
    sets = divided(context)
    measured = measure(Popular(sets.training.matrix, 2), sets.holdout.test_set, (k,))
    return measured.averages, sets.holdout.counts


@pytest.mark.realdata
@pytest.mark.parametrize(("name", "k"), [("gowalla", 20), ("ml1m_topn", 10)])
def test_popularity_row_is_reproduced_to_four_digits(name, k, tmp_path):
    averages, counts = popularity_on(name, tmp_path, k)
    assert {metric: round(averages[metric], 4) for metric in PUBLISHED[name]} == PUBLISHED[name]
    assert counts["test_pairs_unknown_to_training"] == counts["test_users_without_history"] == 0


@pytest.mark.realdata
def test_popularity_among_sampled_candidates_is_within_a_thousandth(tmp_path):
    # The fourth digit depends on ties at rank ten: .4533/.2542 and .4538/.2545 are both published.
    candidates = {"candidates": {"path": str(PUBLIC / "ml1m_ncf" / "test_candidates.parquet")}}
    averages, counts = popularity_on("ml1m_ncf", tmp_path, 10, candidates)
    assert averages["hit_rate@10"] == pytest.approx(0.4533, abs=0.001)
    assert averages["ndcg@10"] == pytest.approx(0.2542, abs=0.001)
    # Two films are in the test file only. They are misses for every method.
    assert counts["test_pairs_unknown_to_training"] == 2
