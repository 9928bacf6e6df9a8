"""Rule `not_shown`: items of the lists of earlier days are left out."""

from datetime import UTC, datetime, timedelta

import pytest

from als_cli.errors import ConfigError
from als_cli.stages.recommend import recommend, recommend_key
from als_cli.storage.model_files import open_model
from als_cli.storage.sinks.shown import shown_items
from als_cli.storage.sinks.target import target_of
from tests.stages.tea_shop import open_shop, written

DAY = timedelta(days=1)


def shown_at(context, instant, span=2 * DAY):
    """Return the items per user that lists for `instant` leave out, as {user: items}."""
    model = open_model(context.models_place)
    target = target_of(context.config.recommend.output)
    shown = shown_items(span, model, target, instant, context.workspace)
    if shown is None:
        return {}
    return {
        user: " ".join(model.item_ids.gather(shown.matrix[row].indices))
        for row, user in enumerate(shown.user_ids)
    }


@pytest.mark.parametrize(
    "output",
    [
        {},
        {"layout": "lists"},
        {"path": "lists.csv"},
        {"path": "lists.ndjson"},
        {"format": "ipc"},
        {"partition_by": ["source"]},
        {"format": "delta"},
        {"database": "duckdb"},
        {"database": "sqlite"},
        {"database": "duckdb", "layout": "lists"},
    ],
)
def test_items_of_lists_of_earlier_days(tmp_path, output):
    if "database" in output:
        uri = f"{output['database']}:///{tmp_path}/lists.{output['database']}"
        output = output | {"database": {"uri": uri, "table": "recs"}}
    else:
        output = output | {"path": str(tmp_path / output.get("path", "lists"))}
    context = open_shop(tmp_path, top_n=1, output=output)
    recommend(context)
    now = datetime.now(UTC)
    assert shown_at(context, now) == {}  # the lists of the same day do not count
    assert shown_at(context, now + DAY) == {"ann": "jug", "bob": "cup", "cid": "jug", "dot": "cup"}
    assert shown_at(context, now + 3 * DAY) == {}
    assert shown_at(context, now + 3 * DAY, span=3 * DAY) == shown_at(context, now + DAY)


def test_all_versions_of_the_days_count(tmp_path, caplog):
    for extra in ({}, {"exclude_seen": False}):
        context = open_shop(tmp_path, top_n=1, output={"path": str(tmp_path / "lists"), "keep": 2}, **extra)
        recommend(context)
    assert shown_at(context, datetime.now(UTC) + DAY)["ann"] == "cup jug"
    assert "only 2 earlier versions of the lists are on disk" in caplog.text


def test_lists_without_a_row_have_shown_nothing(tmp_path, monkeypatch):
    """Earlier versions of als-cli have published such lists."""
    monkeypatch.setattr("als_cli.stages.recommend._check_not_empty", lambda _counts: None)
    (tmp_path / "users.csv").write_text("user_id\nzoe\nann\n", encoding="utf-8")
    output = {"path": str(tmp_path / "lists"), "partition_by": ["source"]}
    context = open_shop(
        tmp_path, top_n=1, output=output, fallback=[], users={"file": str(tmp_path / "users.csv")},
        rules={"user_allow": {"file": str(tmp_path / "pairs.csv")}},
    )  # fmt: skip
    (tmp_path / "pairs.csv").write_text("user_id,item_id\nann,tea\n", encoding="utf-8")  # ann has seen it
    recommend(context)
    assert shown_at(context, datetime.now(UTC) + DAY) == {}


@pytest.mark.parametrize("format_name", ["kv", "resp"])
def test_lists_for_caches_are_left_out_after_a_change_of_the_format(tmp_path, caplog, format_name):
    """Versions of a folder can have several formats."""
    path = {"path": str(tmp_path / "lists")}
    recommend(open_shop(tmp_path, top_n=1, output=path | {"format": format_name}))
    context = open_shop(tmp_path, top_n=1, output=path)
    recommend(context)
    assert shown_at(context, datetime.now(UTC) + DAY)["ann"] == "jug"
    assert caplog.text.count("lists for caches cannot be read") == 1


def test_a_second_run_on_the_same_day_gives_the_same_lists(tmp_path):
    rules = {"not_shown": "7d"}
    context = open_shop(tmp_path, top_n=1, rules=rules)
    recommend(context)
    first, key = written(tmp_path), recommend_key(context)
    recommend(context)
    assert written(tmp_path).equals(first)
    assert recommend_key(context) == key
    assert recommend_key(open_shop(tmp_path, top_n=1)) != key


def test_stdout_keeps_no_lists(tmp_path):
    context = open_shop(tmp_path, top_n=1, rules={"not_shown": "7d"}, output={"path": "-"})
    with pytest.raises(
        ConfigError, match=r"not_shown needs earlier lists, but they cannot be read from - \(csv\)"
    ):
        recommend(context)


def test_only_whole_days(tmp_path):
    with pytest.raises(ValueError, match="not a number of whole days"):
        open_shop(tmp_path, rules={"not_shown": "36h"})
