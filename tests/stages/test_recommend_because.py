"""`recommend.because`: the reasons in the lists, compared with the linear form of the model."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from als_cli.als.demand import DemandRule
from als_cli.als.engine import Factors
from als_cli.als.objective import loss_of
from als_cli.als.reference import half_step, ridge, weights_and_targets
from als_cli.errors import ConfigError
from als_cli.ranking.lists import output_schema
from als_cli.stages.recommend import recommend
from als_cli.stages.show import show_user
from als_cli.storage.model_files import open_model
from tests.stages.builders import context_for, interactions_of, publish_dataset, publish_model

USERS, ITEMS = 9, 14
RULE = DemandRule(half_life=86_400.0, exponent=0.5, offset=0.4)


@pytest.fixture(params=[DemandRule(), RULE], ids=["plain", "demand"])
def shop(request, tmp_path):
    """Return a context with a model whose users are folded in exactly, and the confidences and item factors."""
    context = context_for(tmp_path, {"top_n": 5, "because": ITEMS})
    rng = np.random.default_rng(4)
    pairs = sorted({(f"u{rng.integers(USERS)}", f"i{rng.integers(ITEMS):02}") for _ in range(60)})
    interactions = interactions_of(pairs, ages=[timedelta(hours=int(rng.integers(200))) for _ in pairs])
    items = rng.normal(size=(interactions.items.height, 2)).astype(np.float32)
    publish_dataset(context, interactions)
    publish_model(context, interactions, Factors(np.ones((interactions.users.height, 2), np.float32), items))
    recipe = open_model(context.models_place).recipe(1)
    users = recipe.fold_in(items, interactions.matrix, interactions.times)
    publish_model(context, interactions, Factors(users, items), demand=request.param)
    return context, interactions, items


def written(tmp_path):
    return pl.read_parquet(tmp_path / "lists" / "part-*.parquet")


def test_shares_are_those_of_the_definition(shop, tmp_path):
    context, interactions, items = shop
    recommend(context)
    recipe = open_model(context.models_place).recipe(1)
    confidence, settings = recipe.fold_in_problem(interactions.matrix, interactions.times)
    C, loss, Y = confidence.toarray().astype(float), loss_of(settings), items.astype(float)
    w, b = weights_and_targets(C, loss)
    scores = half_step(C, Y, loss) @ Y.T
    item_ids, user_ids = interactions.item_ids.to_list(), interactions.user_ids.to_list()
    for row in written(tmp_path).iter_rows(named=True):
        u, i = user_ids.index(row["user_id"]), item_ids.index(row["item_id"])
        system = loss.unobserved_weight * Y.T @ Y + ridge(C, loss)[u] * np.eye(2) + (Y.T * w[u]) @ Y
        parts = Y[i] @ np.linalg.solve(system, Y.T) * b[u]
        np.testing.assert_allclose(parts.sum(), scores[u, i], rtol=1e-6)
        # The score is g (o + x.y), so each part counts g times.
        weight = row["score"] / (recipe.demand.offset + scores[u, i])
        expected = {item_ids[j]: weight * parts[j] / row["score"] for j in np.flatnonzero(parts > 1e-7)}
        found = dict(zip(row["because"], row["because_shares"], strict=True))
        assert {item for item, share in expected.items() if share > 1e-3} <= set(found)
        for item, share in found.items():
            np.testing.assert_allclose(share, expected[item], atol=2e-3)
        assert row["because_shares"] == sorted(row["because_shares"], reverse=True)
        assert all(share > 0 for share in row["because_shares"])
        if row["score"] <= 0:
            assert row["because"] == []
            continue
        # All positive shares are listed, so the rest is that of the negative shares and of the offset.
        rest = weight * (parts[parts < 0].sum() + recipe.demand.offset) / row["score"]
        np.testing.assert_allclose(1 - sum(row["because_shares"]), rest, atol=2e-3)


def test_columns_of_both_layouts(shop, tmp_path):
    context, interactions, _ = shop
    recommend(context)
    rows = written(tmp_path)
    ids = (interactions.user_ids.dtype, interactions.item_ids.dtype)
    assert rows.schema == output_schema("rows", *ids, because=True)
    section = {"top_n": 5, "because": 2, "output": {"path": str(tmp_path / "lists"), "layout": "lists"}}
    recommend(context_for(tmp_path, section))
    lists = written(tmp_path)
    assert lists.schema == output_schema("lists", *ids, because=True)
    first = rows.filter(pl.col("user_id") == "u0")["because"].list.head(2).to_list()
    assert lists.filter(pl.col("user_id") == "u0")["because"].to_list() == [first]


def test_users_of_the_fallback_have_no_reasons(shop, tmp_path):
    (tmp_path / "users.csv").write_text("user_id\nghost\nu1\n", encoding="utf-8")
    recommend(
        context_for(tmp_path, {"top_n": 3, "because": 2, "users": {"file": str(tmp_path / "users.csv")}})
    )
    by_user = dict(written(tmp_path).group_by("user_id").agg(pl.col("because").list.len().sum()).rows())
    assert by_user["ghost"] == 0
    assert by_user["u1"] > 0


def test_slots_of_the_fallback_have_no_reasons(shop, tmp_path):
    recommend(context_for(tmp_path, {"top_n": 6, "because": 2, "rules": {"minimum_score": 1e9}}))
    rows = written(tmp_path)
    assert set(rows["source"]) == {"popular"}
    assert rows["because"].list.len().sum() == 0


def test_csv_cannot_store_reasons(shop, tmp_path):
    with pytest.raises(ConfigError, match=r"format csv cannot store the reasons of recommend\.because"):
        recommend(context_for(tmp_path, {"because": 1, "output": {"path": str(tmp_path / "lists.csv")}}))


def test_show_user_explains_without_the_key(shop, tmp_path):
    report = show_user(context_for(tmp_path, {"top_n": 5}), "u0")
    assert all(len(item.because) <= 3 for item in report.recommended)
    assert any(item.because for item in report.recommended)
    history = {item.item_id for item in report.history}
    assert {one.item_id for item in report.recommended for one in item.because} <= history
