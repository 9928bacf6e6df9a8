"""The churn gate and the table of changes of `recommend`, on the shop of four users.

With `exclude_seen`, top_n 1: ann jug, bob cup, cid jug, dot cup. Without it, all get cup.
"""

import io
import json
from dataclasses import replace

import polars as pl
import pytest

from als_cli.config.recommend import ChurnConfig
from als_cli.errors import ConfigError, DataError, GateError
from als_cli.ranking.lists import output_schema, shortfall_schema
from als_cli.stages.recommend import published_recommendations, recommend, recommend_key
from als_cli.stages.versions import versions
from als_cli.storage.list_review import ListReview
from als_cli.storage.sinks import publish_lists
from als_cli.storage.sinks.publish_lists import open_sink
from als_cli.storage.sinks.target import target_of
from als_cli.tables import scan
from tests.stages.tea_shop import open_shop, written
from tests.storage.test_sinks import READERS, visible

OTHER = {"exclude_seen": False}


def shop(tmp_path, *, changes=None, path="lists", accept=False, **section):
    output = {"path": str(tmp_path / path), "changes": changes}
    context = open_shop(tmp_path, **{"top_n": 1, "output": output, **section})
    return replace(context, accept_churn=accept)


def manifest(tmp_path, name="lists"):
    return json.loads((tmp_path / f"{name}.manifest.json").read_bytes())


class TestGate:
    @pytest.mark.parametrize(
        ("churn", "value"),
        [
            ({"metric": "rbo", "at_least": 0.51}, "is 0.5, recommend.churn allows at least 0.51"),
            ({"metric": "jaccard", "at_least": 0.51}, r"\(jaccard\) of new and published lists is 0.5"),
            ({"metric": "changed_users", "at_most": 0.49}, "is 0.5, recommend.churn allows at most 0.49"),
        ],
    )
    def test_lists_that_differ_too_much_are_not_published(self, tmp_path, churn, value):
        recommend(shop(tmp_path, churn=churn))  # the first lists have nothing to differ from
        before, names = manifest(tmp_path), visible(tmp_path)
        context = shop(tmp_path, churn=churn, changes="items", **OTHER)
        with pytest.raises(GateError, match=value):
            recommend(context)
        assert manifest(tmp_path) == before
        assert written(tmp_path)["item_id"].to_list() == ["jug", "cup", "jug", "cup"]
        assert visible(tmp_path) == names
        assert sum(one.of == "lists" for one in versions(context).versions) == 1

    @pytest.mark.parametrize(
        "churn",
        [
            {"at_least": 0.5},
            {"metric": "jaccard", "at_least": 0.5},
            {"metric": "changed_users", "at_most": 0.5},
        ],
    )
    def test_lists_at_the_limit_are_published(self, tmp_path, churn):
        recommend(shop(tmp_path))
        report = recommend(shop(tmp_path, churn=churn, **OTHER))
        assert written(tmp_path)["item_id"].to_list() == ["cup"] * 4
        figures = {"rbo": 0.5, "jaccard": 0.5, "changed_users": 0.5, "accepted": False}
        assert report.churn == manifest(tmp_path)["metrics"]["churn"] == pytest.approx(figures)
        assert report.changes is None

    def test_users_who_lose_their_list_count_as_changed(self, tmp_path):
        (tmp_path / "users.csv").write_text("user_id\nann\n", encoding="utf-8")
        users = {"users": {"file": str(tmp_path / "users.csv")}}
        recommend(shop(tmp_path))
        with pytest.raises(GateError, match=r"is 0\.75, recommend\.churn allows at most 0\.7"):
            recommend(shop(tmp_path, churn={"metric": "changed_users", "at_most": 0.7}, **users))

    def test_the_gate_can_be_overridden(self, tmp_path, caplog):
        churn = {"at_least": 0.9}
        recommend(shop(tmp_path, churn=churn))
        report = recommend(shop(tmp_path, churn=churn, accept=True, **OTHER))
        assert written(tmp_path)["item_id"].to_list() == ["cup"] * 4
        assert report.churn["accepted"]
        assert "recommend.churn allows at least 0.9; the lists are published all the same" in caplog.text

    def test_broken_published_lists_are_no_reason_to_stop(self, tmp_path, caplog):
        recommend(shop(tmp_path, churn={"at_least": 0.9}))
        (part,) = (tmp_path / "lists").iterdir()
        part.write_bytes(part.read_bytes()[:-1] + b"?")
        report = recommend(shop(tmp_path, churn={"at_least": 0.9}, **OTHER))
        assert report.churn is None
        assert "published lists cannot be read, so all lists count as new" in caplog.text

    def test_the_limit_is_not_part_of_the_key(self, tmp_path):
        keys = {recommend_key(shop(tmp_path, churn={"at_least": limit})) for limit in (0.1, 0.9)}
        assert len(keys | {recommend_key(shop(tmp_path))}) == 1

    @pytest.mark.parametrize(
        ("section", "message"),
        [
            ({"churn": {}}, "churn: metric rbo needs at_least, and no at_most"),
            ({"churn": {"metric": "changed_users", "at_least": 0.1}}, "changed_users needs at_most"),
            ({"churn": {"at_least": 0.5}, "output": {"path": "-"}}, "churn needs earlier lists"),
            ({"output": {"path": "-", "changes": "rows"}}, r"output\.changes needs earlier lists"),
        ],
    )
    def test_keys_that_do_not_fit(self, tmp_path, section, message):
        with pytest.raises(ConfigError, match=message):
            recommend(shop(tmp_path, **section))


class TestChanges:
    @pytest.mark.parametrize("name", ["lists", *(f"lists{suffix}" for suffix in READERS)])
    def test_a_table_beside_the_lists_says_what_changed(self, tmp_path, name):
        suffix = ".parquet" if name == "lists" else name.removeprefix("lists")
        first = recommend(shop(tmp_path, path=name, changes="items"))
        second = recommend(shop(tmp_path, path=name, changes="items", **OTHER))
        table = READERS[suffix](tmp_path / f"{name}.changes{suffix}")
        assert table.select("op", "user_id", "rank", "item_id").rows() == [
            ("upsert", "ann", 1, "cup"),
            ("upsert", "cid", 1, "cup"),
        ]
        figures = {"file": f"{name}.changes{suffix}", "by": "items", "deletes": 0}
        assert first.changes | figures == first.changes
        assert (first.changes["from_version"], first.changes["upserts"]) == (None, 4)
        assert second.changes["from_version"] == first.changes["to_version"]
        assert (second.changes["upserts"], second.changes["unchanged"]) == (2, 2)
        assert manifest(tmp_path, name)["metrics"]["changes"] == second.changes
        published = next(
            one for one in versions(shop(tmp_path, path=name)).versions if one.published and one.of == "lists"
        )
        assert published.version == second.changes["to_version"]

    def test_users_without_a_list_are_deleted(self, tmp_path):
        (tmp_path / "users.csv").write_text("user_id\nann\nzoe\n", encoding="utf-8")
        recommend(shop(tmp_path, changes="rows"))
        report = recommend(shop(tmp_path, changes="rows", users={"file": str(tmp_path / "users.csv")}))
        table = pl.read_parquet(tmp_path / "lists.changes.parquet")
        assert table.rows() == [
            ("delete", "bob", None, None, None, None),
            ("delete", "cid", None, None, None, None),
            ("delete", "dot", None, None, None, None),
            ("upsert", "zoe", 1, "tea", 3.0, "popular"),
        ]
        assert table.schema == pl.Schema({"op": pl.String, **written(tmp_path).schema})
        assert report.changes["unchanged"] == 1

    def test_one_row_per_user_in_layout_lists(self, tmp_path):
        output = {"path": str(tmp_path / "lists"), "layout": "lists", "changes": "items"}
        for section in ({}, OTHER):
            recommend(open_shop(tmp_path, top_n=2, output=output, **section))
        table = pl.read_parquet(tmp_path / "lists.changes.parquet")
        assert table.columns == ["op", "user_id", "item_ids", "scores", "sources"]
        assert table.row(0)[:3] == ("upsert", "ann", ["cup", "jug"])

    @pytest.mark.parametrize("path", ["lists", "lists.csv"])
    def test_the_table_disappears_with_the_key(self, tmp_path, path):
        suffix = ".csv" if path == "lists.csv" else ".parquet"
        recommend(shop(tmp_path, path=path, changes="items"))
        assert f"{path}.changes{suffix}" in visible(tmp_path)
        recommend(shop(tmp_path, path=path))
        assert not any("changes" in name for name in visible(tmp_path))
        assert "changes" not in manifest(tmp_path, path)["metrics"]

    @pytest.mark.parametrize("path", ["lists", "lists.csv"])
    def test_a_foreign_file_is_not_replaced(self, tmp_path, path):
        suffix = ".csv" if path == "lists.csv" else ".parquet"
        recommend(shop(tmp_path, path=path))
        foreign = tmp_path / f"{path}.changes{suffix}"
        foreign.write_text("mine", encoding="utf-8")
        with pytest.raises(ConfigError, match=rf"changes{suffix} was not written by als"):
            recommend(shop(tmp_path, path=path, changes="items"))
        recommend(shop(tmp_path, path=path))
        assert foreign.read_text(encoding="utf-8") == "mine"

    def test_a_failure_of_the_review_publishes_nothing(self, tmp_path, monkeypatch):
        recommend(shop(tmp_path, changes="items"))
        before = manifest(tmp_path)

        def fail(*_arguments, **_fields):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(publish_lists, "write_manifest", fail)
        with pytest.raises(Exception, match="no space left"):
            recommend(shop(tmp_path, changes="items", **OTHER))
        assert manifest(tmp_path) == before
        assert pl.read_parquet(tmp_path / "lists.changes.parquet").height == 4

    def test_nothing_is_compared_without_the_keys(self, tmp_path):
        target = target_of(shop(tmp_path).config.recommend.output)
        assert ListReview(target, None, accept_churn=False)(tmp_path / "no such folder") == {}

    def test_own_lists_may_be_small_for_their_number_of_rows(self, tmp_path, monkeypatch):
        def refuse(*_arguments):
            raise DataError("too many rows for its size")

        recommend(shop(tmp_path, changes="items"))
        monkeypatch.setattr(scan, "check_expansion", refuse)
        assert recommend(shop(tmp_path, changes="items")).changes["unchanged"] == 4

    def test_a_consumer_may_take_the_table_away(self, tmp_path):
        context = shop(tmp_path, path="lists.csv", changes="items")
        recommend(context)
        (tmp_path / "lists.csv.changes.csv").unlink()
        assert published_recommendations(context).key == recommend_key(context)

    def test_ids_of_another_type_are_a_new_start_but_no_way_around_the_gate(self, tmp_path, caplog):
        target = target_of(shop(tmp_path, path="lists.parquet", changes="rows").config.recommend.output)
        publish_items(target, {1: "a", 2: "b"}, None)
        publish_items(target, {"1": "a", "2": "x"}, 0.5)
        metrics = manifest(tmp_path, "lists.parquet")["metrics"]
        assert metrics["changes"]["from_version"] is None
        assert metrics["churn"]["rbo"] == pytest.approx(0.5)
        assert "ids of the published lists have another type, so the changes contain all lists" in caplog.text
        with pytest.raises(GateError, match=r"is 0\.5"):
            publish_items(target, {1: "a", 2: "y"}, 0.6)


def publish_items(target, lists, at_least):
    """Publish lists of one item each, {user: item}; with a number `at_least`, through the churn gate."""
    kind = pl.Series([*lists]).dtype
    schema, shortfall = output_schema("rows", kind, pl.String()), pl.DataFrame(schema=shortfall_schema(kind))
    values = {"user_id": [*lists], "rank": 1, "item_id": [*lists.values()], "score": 1.0, "source": "als"}
    churn = None if at_least is None else ChurnConfig(at_least=at_least)
    review = ListReview(target, churn, accept_churn=False)
    with open_sink(target, schema, shortfall.schema, io.BytesIO(), review) as sink:
        sink.write(pl.DataFrame(values, schema=schema), shortfall, len(lists))
        sink.finish("key", {})
