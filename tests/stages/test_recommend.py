"""`recommend`: the lists, their sources, and the shortfall."""

from datetime import timedelta

import polars as pl
import pytest

from als_cli import NOTICE
from als_cli.errors import ConfigError, DataError
from als_cli.ranking.recommend_report import ListCounts, MostListed
from als_cli.stages.recommend import published_recommendations, recommend
from tests.stages.builders import NEWEST, context_for, interactions_of, publish_dataset, publish_model
from tests.stages.tea_shop import PAIRS, shortfall, used, written


def items_of(frame, user):
    return frame.filter(pl.col("user_id") == user)["item_id"].to_list()


def test_all_users_get_their_best_unseen_items(shop, tmp_path):
    report = recommend(shop(top_n=2))
    lists = written(tmp_path)
    assert lists["user_id"].unique(maintain_order=True).to_list() == ["ann", "bob", "cid", "dot"]
    assert {user: items_of(lists, user) for user in ("ann", "bob", "cid", "dot")} == {
        "ann": ["jug", "pot"],
        "bob": ["cup", "jug"],
        "cid": ["jug", "pot"],
        "dot": ["cup", "pot"],
    }
    assert lists["rank"].to_list() == [1, 2] * 4
    assert lists["score"].to_list() == [3, 2, 4, 3, 3, 2, 4, 2]
    assert lists.schema == {
        "user_id": pl.String, "rank": pl.Int32, "item_id": pl.String, "score": pl.Float32, "source": pl.String,
    }  # fmt: skip
    assert (report.users, report.rows, used(report.sources)) == (4, 8, {"als": 4})
    assert report.shortfall == {}


def test_seen_items_are_listed_when_asked_for(shop, tmp_path):
    recommend(shop(top_n=4, exclude_seen=False))
    assert items_of(written(tmp_path), "ann") == ["cup", "jug", "pot", "tea"]


def test_short_lists_are_not_padded_and_have_a_shortfall_row(shop, tmp_path):
    report = recommend(shop(top_n=3))
    assert items_of(written(tmp_path), "ann") == ["jug", "pot"]
    assert shortfall(tmp_path).rows() == [
        (user, 2, 3, "too_few_candidates") for user in ("ann", "bob", "cid")
    ]
    assert report.shortfall == {"too_few_candidates": 3}
    assert report.shortfall_users == 3


def test_a_users_file_with_unknown_users(shop, tmp_path):
    # Duplicates count once, rows without id are counted, and unknown users get the popularity list.
    (tmp_path / "users.csv").write_text("customer\nzoe\nann\nzoe\nann\nabe\n", encoding="utf-8")
    report = recommend(shop(top_n=2, users={"file": str(tmp_path / "users.csv"), "column": "customer"}))
    lists = written(tmp_path)
    assert lists.select("user_id", "source").unique(maintain_order=True).rows() == [
        ("abe", "popular"), ("ann", "als"), ("zoe", "popular"),
    ]  # fmt: skip
    assert items_of(lists, "zoe") == ["tea", "cup"]
    assert lists.filter(pl.col("user_id") == "zoe")["score"].to_list() == [3, 2]
    assert used(report.sources) == {"als": 1, "popular": 2}
    assert (report.fallback_fraction, report.fallback_slot_fraction) == (2 / 3, 4 / 6)


def test_lists_and_slots_are_counted_by_source(shop, tmp_path):
    # ann has seen two of the four items, and so has one slot less than the unknown user.
    (tmp_path / "users.csv").write_text("user_id\nzoe\nann\n", encoding="utf-8")
    report = recommend(shop(top_n=3, users={"file": str(tmp_path / "users.csv")}))
    assert used(report.sources) == {"als": 1, "popular": 1}
    counted = written(tmp_path)["source"].value_counts()
    assert {name: count for name, count in report.source_rows.items() if count} == dict(counted.iter_rows())
    assert used(report.source_rows) == {"als": 2, "popular": 3}
    assert (report.fallback_fraction, report.fallback_slot_fraction) == (1 / 2, 3 / 5)
    counts = published_recommendations(shop()).counts
    assert (counts["source_popular"], counts["rows_popular"], counts["rows_als"]) == (1, 3, 2)


def test_the_item_in_most_lists_of_the_model_is_reported(shop, tmp_path):
    report = recommend(shop(top_n=2))
    by_item = written(tmp_path).filter(pl.col("source") == "als")["item_id"].value_counts()
    users = by_item["count"].max()
    most = report.most_listed
    assert (most.users, most.fraction) == (users, users / 4)
    assert most.item_id in by_item.filter(pl.col("count") == users)["item_id"]


def test_without_a_list_of_the_model_no_item_is_in_most_lists(shop, tmp_path):
    (tmp_path / "users.csv").write_text("user_id\nzoe\n", encoding="utf-8")
    assert recommend(shop(top_n=2, users={"file": str(tmp_path / "users.csv")})).most_listed is None


@pytest.mark.parametrize(
    ("case", "told"),
    [((30, 200, 0.9), True), ((29, 200, 0.9), False), ((30, 199, 0.9), False), ((30, 200, 0.5), False)],
)
def test_equal_lists_are_a_notice(shop, caplog, monkeypatch, case, told):
    users, candidates, fraction = case
    caplog.set_level(NOTICE, logger="als_cli")
    made = recommend(shop(top_n=2))
    most = MostListed(item_id="tea", users=27, fraction=fraction)
    large = made.model_copy(
        update={"users": users, "candidates": candidates, "top_n": 20, "most_listed": most}
    )
    monkeypatch.setattr(ListCounts, "report", lambda *_, **__: large)
    recommend(shop(top_n=2))
    assert ("item tea is in 90 % of the lists" in caplog.text) == told


def test_without_any_list_the_fallback_fraction_is_zero():
    report = ListCounts().report(
        output="-", format="parquet", layout="rows", top_n=2, unreadable_users=0, candidates=4,
        never_interacted=0, unknown_items={}, seconds=0.0,
    )  # fmt: skip
    assert (report.fallback_fraction, report.fallback_slot_fraction) == (0.0, 0.0)


def test_unknown_users_get_no_list_without_fallback(shop, tmp_path):
    (tmp_path / "users.csv").write_text("user_id\nzoe\nann\n", encoding="utf-8")
    report = recommend(shop(top_n=2, fallback=[], users={"file": str(tmp_path / "users.csv")}))
    assert written(tmp_path)["user_id"].unique().to_list() == ["ann"]
    assert shortfall(tmp_path).rows() == [("zoe", 0, 2, "no_history")]
    assert report.shortfall == {"no_history": 1}
    assert used(report.sources) == {"als": 1}


def test_users_file_with_ids_of_another_type(tmp_path):
    context = context_for(tmp_path, {"top_n": 1, "users": {"file": str(tmp_path / "users.csv")}})
    interactions = interactions_of([(1, 10), (2, 20), (2, 10), (1, 30)])
    publish_dataset(context, interactions)
    publish_model(context, interactions)
    (tmp_path / "users.csv").write_text("user_id\n2\nguest\n", encoding="utf-8")
    report = recommend(context)
    assert (report.users, report.unreadable_users) == (1, 1)
    assert written(tmp_path).schema["user_id"] == pl.Int64
    assert written(tmp_path).schema["item_id"] == pl.Int64
    (tmp_path / "users.csv").write_text("user_id\nguest\n", encoding="utf-8")
    with pytest.raises(
        DataError, match=r"no value in column 'user_id' of .*users.csv can be a user id: .*'guest'"
    ):
        recommend(context)


def test_active_users_by_length_and_by_instant(shop, tmp_path):
    # Age of the newest event in days: ann 0, bob 2, cid 4, dot 6.
    recommend(shop(top_n=1, users={"active_since": "3d"}))
    assert written(tmp_path)["user_id"].to_list() == ["ann", "bob"]
    recommend(shop(top_n=1, users={"active_since": (NEWEST - timedelta(days=4)).isoformat()}))
    assert written(tmp_path)["user_id"].to_list() == ["ann", "bob", "cid"]
    with pytest.raises(DataError, match="no user was active since 2026-04-01"):
        recommend(shop(top_n=1, users={"active_since": "2026-04-01"}))


def test_active_users_need_times(tmp_path):
    context = context_for(tmp_path, {"users": {"active_since": "3d"}})
    interactions = interactions_of(PAIRS, timed=False)
    publish_dataset(context, interactions)
    publish_model(context, interactions)
    with pytest.raises(ConfigError, match="active_since needs times"):
        recommend(context)


def test_candidates_from_a_catalogue(shop, tmp_path):
    (tmp_path / "items.csv").write_text(
        "sku,stock,price\ncup,true,3\npot,true,\njug,false,5\ntea,true,10\nnew,true,9\n", encoding="utf-8"
    )
    section = {
        "catalog": str(tmp_path / "items.csv"),
        "columns": {"item": "sku"},
        "where": "stock and price > 2.5",
    }
    report = recommend(shop(top_n=1, exclude_seen=False, items=section))
    assert set(written(tmp_path)["item_id"]) == {"cup"}
    assert (report.candidates, report.never_interacted) == (2, 1)
    recommend(shop(top_n=9, exclude_seen=False, items=section))
    assert set(written(tmp_path)["item_id"]) == {"cup", "tea"}


def test_the_popularity_list_has_candidates_only(shop, tmp_path):
    (tmp_path / "users.csv").write_text("user_id\nzoe\n", encoding="utf-8")
    (tmp_path / "items.csv").write_text("item_id\ncup\njug\n", encoding="utf-8")
    recommend(
        shop(
            top_n=3,
            users={"file": str(tmp_path / "users.csv")},
            items={"catalog": str(tmp_path / "items.csv")},
        )
    )
    assert items_of(written(tmp_path), "zoe") == ["cup", "jug"]
    assert shortfall(tmp_path).rows() == [("zoe", 2, 3, "too_few_candidates")]


class TestModelOlderThanDataset:
    """The dataset has users and items that the model does not know. Known users keep their factors."""

    @pytest.fixture
    def context(self, tmp_path):
        context = context_for(tmp_path, {"top_n": 2, "refresh": "none"})
        publish_model(context, interactions_of(PAIRS))
        # eve is new and has known items. fay has only a new item. ann has a new item that sorts before all other items.
        publish_dataset(
            context,
            interactions_of(
                [*PAIRS, ("eve", "tea"), ("eve", "cup"), ("fay", "ale"), ("ann", "ale"), ("eve", "ale")]
            ),
        )
        return context

    def test_new_users_are_folded_in_or_get_the_popularity_list(self, context, tmp_path):
        report = recommend(context)
        sources = dict(written(tmp_path).select("user_id", "source").unique().rows())
        assert sources == {
            "ann": "als",
            "bob": "als",
            "cid": "als",
            "dot": "als",
            "eve": "fold_in",
            "fay": "popular",
        }
        assert used(report.sources) == {"als": 4, "fold_in": 1, "popular": 1}

    def test_seen_items_are_those_of_the_dataset_by_id(self, context, tmp_path):
        recommend(context)
        lists = written(tmp_path)
        assert set(items_of(lists, "eve")) == {"jug", "pot"}
        assert set(items_of(lists, "ann")) == {"jug", "pot"}
        assert items_of(lists, "fay") == ["tea", "cup"]

    def test_a_users_list_is_the_same_in_any_block(self, context, tmp_path):
        recommend(context)
        together = written(tmp_path)
        (tmp_path / "users.csv").write_text("user_id\neve\n", encoding="utf-8")
        users = {"file": str(tmp_path / "users.csv")}
        recommend(context_for(tmp_path, {"top_n": 2, "refresh": "none", "users": users}))
        assert written(tmp_path).equals(together.filter(pl.col("user_id") == "eve"))


def test_a_user_of_the_model_without_history_gets_the_popularity_list(tmp_path):
    (tmp_path / "users.csv").write_text("user_id\ndot\n", encoding="utf-8")
    context = context_for(tmp_path, {"top_n": 1, "users": {"file": str(tmp_path / "users.csv")}})
    publish_model(context, interactions_of(PAIRS))
    publish_dataset(context, interactions_of(PAIRS[:-1]))
    recommend(context)
    assert written(tmp_path)["source"].to_list() == ["popular"]
