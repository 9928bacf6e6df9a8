"""`recommend` with unusable inputs: one clear message, and published lists stay unchanged."""

import pytest

from als_cli.errors import ArtifactError, ConfigError, DataError, ResourceError
from als_cli.ranking.recommender import Recommender
from als_cli.stages.recommend import recommend
from tests.stages.builders import context_for, interactions_of, publish_dataset, publish_model
from tests.stages.tea_shop import PAIRS, written


def test_no_model(tmp_path):
    context = context_for(tmp_path)
    publish_dataset(context, interactions_of(PAIRS))
    with pytest.raises(ArtifactError, match="no model") as raised:
        recommend(context)
    assert "als train" in raised.value.hint


def test_dataset_and_model_with_ids_of_different_types(tmp_path):
    context = context_for(tmp_path)
    publish_dataset(context, interactions_of([(1, "tea"), (2, "cup")]))
    publish_model(context, interactions_of(PAIRS))
    with pytest.raises(ArtifactError, match="user ids are Int64 in the dataset and String in the model"):
        recommend(context)


def test_catalogue_of_another_id_type(shop, tmp_path):
    (tmp_path / "items.csv").write_text("item_id\n17\n18\n", encoding="utf-8")
    with pytest.raises(
        DataError, match=r"no item id of .*items.csv is known to the model: the file has '17', '18'"
    ):
        recommend(shop(items={"catalog": str(tmp_path / "items.csv")}))


def test_condition_that_nothing_satisfies(shop, tmp_path):
    (tmp_path / "items.csv").write_text("item_id,price\ntea,1\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"no item of .*items.csv satisfies recommend.items.where"):
        recommend(shop(items={"catalog": str(tmp_path / "items.csv"), "where": "price > 2"}))


def test_condition_that_only_unknown_items_satisfy(shop, tmp_path):
    (tmp_path / "items.csv").write_text("item_id,price\ntea,1\nnew,3\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"that satisfies recommend\.items\.where is known to the model"):
        recommend(shop(items={"catalog": str(tmp_path / "items.csv"), "where": "price > 2"}))


def test_users_file_that_does_not_exist(shop, tmp_path):
    with pytest.raises(DataError, match=r"users\.csv"):
        recommend(shop(users={"file": str(tmp_path / "users.csv")}))


def test_users_file_without_the_column(shop, tmp_path):
    (tmp_path / "users.csv").write_text("userid\nann\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"recommend.users.column: .*no column 'user_id'"):
        recommend(shop(users={"file": str(tmp_path / "users.csv")}))


def test_users_file_with_a_header_only(shop, tmp_path):
    (tmp_path / "users.csv").write_text("user_id\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"users\.csv"):
        recommend(shop(users={"file": str(tmp_path / "users.csv")}))


def test_lists_without_any_item_do_not_replace_the_published_ones(shop, tmp_path):
    recommend(shop(top_n=2))
    before = written(tmp_path)
    (tmp_path / "users.csv").write_text("user_id\nghost\nspook\n", encoding="utf-8")
    with pytest.raises(
        DataError, match=r"not one of the 2 users got an item \(2 no_history\), so nothing is published"
    ) as raised:
        recommend(shop(users={"file": str(tmp_path / "users.csv")}, fallback=[]))
    assert "recommend.fallback" in raised.value.hint
    assert written(tmp_path).equals(before)


def test_one_list_is_enough_to_publish(shop, tmp_path):
    (tmp_path / "users.csv").write_text("user_id\nghost\nann\n", encoding="utf-8")
    report = recommend(shop(users={"file": str(tmp_path / "users.csv")}, fallback=[]))
    assert report.shortfall["no_history"] == 1
    assert set(written(tmp_path)["user_id"]) == {"ann"}


def test_a_users_file_without_rows_leaves_the_published_lists(shop, tmp_path):
    recommend(shop(top_n=2))
    before = written(tmp_path)
    (tmp_path / "users.csv").write_text("user_id\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"users\.csv has no rows"):
        recommend(shop(users={"file": str(tmp_path / "users.csv")}))
    assert written(tmp_path).equals(before)


def test_output_below_a_file(shop, tmp_path):
    (tmp_path / "taken").write_text("", encoding="utf-8")
    with pytest.raises(ResourceError, match="taken"):
        recommend(shop(output={"path": str(tmp_path / "taken" / "lists")}))


def test_a_failure_during_writing_keeps_the_published_lists(shop, tmp_path, monkeypatch):
    recommend(shop(top_n=2))
    before = written(tmp_path)
    calls = []

    def fail_on_second(self, block):
        calls.append(block)
        if len(calls) == 2:
            raise MemoryError
        return real(self, block)

    real = Recommender.lists_for
    monkeypatch.setattr(Recommender, "lists_for", fail_on_second)
    with pytest.raises(ResourceError, match="out of memory"):
        recommend(shop(top_n=1, block_users=2))
    assert written(tmp_path).equals(before)
    assert not list((tmp_path / ".lists.versions").glob(".*"))
