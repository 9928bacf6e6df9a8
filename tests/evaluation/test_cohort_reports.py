"""Cohorts of an evaluation, compared with loops over the lists; errors in the tables of cohorts."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from als_cli.errors import ConfigError, DataError
from als_cli.evaluation.protocol import user_blocks
from als_cli.evaluation.rankers import Popular
from als_cli.stages.evaluate import evaluate, evaluate_key
from als_cli.storage.publish import current_version
from tests.stages.evaluation_builders import clean_events, context_for, divided, publish_events, two_tastes

METRICS = [
    f"{metric}@{k}" for metric in ("ndcg", "recall", "precision", "map", "mrr", "hit_rate") for k in (3, 5)
]


def written(report):
    return json.loads((Path(report.evaluation) / "metrics.json").read_text())


def csv_of(folder, name, header, rows):
    path = folder / name
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n", encoding="utf-8")
    return str(path)


@pytest.fixture
def tables(tmp_path):
    """Return section `cohorts`: users by taste, some without row or value; items by three kinds."""
    users = [(user, ("odd" if user % 2 else "even") if user > 3 else "") for user in range(50)]
    items = [(100 + item, item % 3) for item in range(40)]
    return {
        "cohorts": {
            "users": {"path": csv_of(tmp_path, "users.csv", "user_id,taste", users), "by": ["taste"]},
            "items": {
                "path": csv_of(tmp_path, "items.csv", "sku,kind", items),
                "column": "sku",
                "by": ["kind"],
            },
        }
    }


def test_cohorts_divide_the_users_and_their_mean_is_the_metric_of_all(tmp_path, tables):
    report = evaluate(publish_events(context_for(tmp_path, tables), two_tastes()))
    assert written(report)["cohorts"] == [one.model_dump() for one in report.cohorts]
    assert [(one.column, one.cohort) for one in report.cohorts if one.column is None] == [
        (None, "new"),
        (None, "light"),
        (None, "heavy"),
    ]
    assert {one.cohort for one in report.cohorts if one.column == "taste"} == {"odd", "even", "unknown"}
    users = report.counts["users_evaluated"]
    for column in (None, "taste"):
        cohorts = [one for one in report.cohorts if one.column == column]
        assert all(one.minimum <= one.maximum for one in cohorts)
        assert sum(one.users for one in cohorts) == users
        for method in report.methods:
            for name in METRICS:
                summed = sum(one.users * one.methods[method.method][name] for one in cohorts)
                assert summed / users == pytest.approx(method.metrics[name])


def test_users_are_in_the_cohort_of_their_value(tmp_path, tables):
    report = evaluate(publish_events(context_for(tmp_path, tables), two_tastes()))
    per_user = pl.read_parquet(Path(report.evaluation) / "per_user.parquet").filter(
        pl.col("method") == "als", pl.col("k") == 5
    )
    known = (pl.col("user_id") > 3) & (pl.col("user_id") < 50)
    members = {
        "odd": known & (pl.col("user_id") % 2 == 1),
        "even": known & (pl.col("user_id") % 2 == 0),
        "unknown": ~known,
    }
    for one in (one for one in report.cohorts if one.column == "taste"):
        own = per_user.filter(members[one.cohort])
        assert one.users == own.height
        assert one.methods["als"]["ndcg@5"] == pytest.approx(own["ndcg"].mean())


def naive_item_metrics(lists, tested, members, k):
    """Return the fraction of slots, and hits / test pairs, of the items `members`, from the lists."""
    slots = hits = listed = pairs = 0
    for row, test in zip(lists, tested, strict=True):
        for item in row[:k]:
            if item >= 0:
                slots += 1
                listed += item in members
                hits += item in members and item in test
        pairs += len(test & members)
    return listed / slots, hits / pairs


def test_item_cohorts_divide_slots_and_test_pairs(tmp_path, tables):
    context = publish_events(context_for(tmp_path, tables), two_tastes())
    report = evaluate(context)
    assert written(report)["item_cohorts"] == [one.model_dump() for one in report.item_cohorts]
    sets = divided(context)
    test_set, ids = sets.holdout.test_set, sets.training.item_ids.to_list()
    ranker = Popular(sets.training.matrix, 1)
    lists = np.vstack([ranker.rank(block, 5).item_rows for block in user_blocks(test_set)]).tolist()
    tested = [set(row.indices.tolist()) for row in test_set.relevant]
    popularity = [one for one in report.item_cohorts if one.column is None]
    assert [one.cohort for one in popularity] == ["head", "middle", "tail"]
    for one in report.item_cohorts:
        if one.column is None:
            members = {
                row for row in range(len(ids)) if one.minimum <= test_set.interactions[row] <= one.maximum
            }
        else:
            members = {row for row, item in enumerate(ids) if (item - 100) % 3 == int(one.cohort)}
        assert one.items == len(members)
        assert one.interactions == sum(int(test_set.interactions[row]) for row in members)
        assert one.test_pairs == sum(len(test & members) for test in tested)
        for k in (3, 5):
            found = one.methods["popular"]
            expected = naive_item_metrics(lists, tested, members, k)
            assert (found[f"slot_fraction@{k}"], found[f"recall@{k}"]) == pytest.approx(expected)
    for column in (None, "kind"):
        cohorts = [one for one in report.item_cohorts if one.column == column]
        assert sum(one.items for one in cohorts) == report.counts["training_items"]
        assert sum(one.interactions for one in cohorts) == report.counts["training_interactions"]
        for method in report.methods:
            fractions = [one.methods[method.method]["slot_fraction@5"] for one in cohorts]
            assert sum(fractions) == pytest.approx(1.0)


def test_test_items_outside_the_training_set_are_in_no_cohort(tmp_path):
    rows = [(user, item, 0) for user in range(4) for item in "abcd"[: 2 + user % 3]]
    rows += [(user, item, 9) for user in range(4) for item in "dz"]
    section = {"split": {"by": "time", "test": "5d"}}
    report = evaluate(
        publish_events(context_for(tmp_path, section, train={"factors": 2}), clean_events(rows))
    )
    assert report.counts["test_pairs_unknown_to_training"] == 4
    assert sum(one.test_pairs for one in report.item_cohorts) == 3  # user 2 has d already
    assert all(one.test_pairs or one.methods["als"]["recall@5"] is None for one in report.item_cohorts)


def test_the_key_depends_on_the_content_of_the_tables_and_not_on_their_path(tmp_path, tables):
    context = publish_events(context_for(tmp_path, tables), two_tastes())
    key = evaluate_key(context)
    assert evaluate_key(context_for(tmp_path)) != key
    path = Path(tables["cohorts"]["users"]["path"])
    moved = path.rename(path.with_name("moved.csv"))
    tables["cohorts"]["users"]["path"] = str(moved)
    assert evaluate_key(context_for(tmp_path, tables)) == key
    moved.write_text(moved.read_text().replace("odd", "strange"), encoding="utf-8")
    assert evaluate_key(context_for(tmp_path, tables)) != key
    tables["cohorts"]["items"]["by"] = ["sku"]
    moved.write_text(moved.read_text().replace("strange", "odd"), encoding="utf-8")
    assert evaluate_key(context_for(tmp_path, tables)) != key


@pytest.mark.parametrize(
    ("section", "changed", "error", "message"),
    [
        ("users", {"path": "/gone/users.csv"}, DataError, "no such file: /gone/users.csv"),
        ("users", {"by": ["tast"]}, ConfigError, r"evaluate\.cohorts\.users\.by: .* has no column 'tast'"),
        ("items", {"column": "skus"}, ConfigError, r"evaluate\.cohorts\.items\.column: .* no column 'skus'"),
        ("items", {"column": "kind"}, DataError, r"evaluate\.cohorts\.items: .* contains none of the 40 ids"),
    ],
)
def test_an_error_in_a_table_stops_before_training(tmp_path, tables, section, changed, error, message):
    tables["cohorts"][section] |= changed
    context = publish_events(context_for(tmp_path, tables), two_tastes())
    with pytest.raises(error, match=message) as refused:
        evaluate(context)
    assert refused.value.hint
    assert current_version(context.evaluations_place) is None


def test_a_table_without_columns_to_divide_by_is_refused(tmp_path):
    with pytest.raises(ValidationError, match="at least 1 item"):
        context_for(tmp_path, {"cohorts": {"users": {"path": "users.csv", "by": []}}})
