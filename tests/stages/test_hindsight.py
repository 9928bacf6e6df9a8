"""`als evaluate --published`: metrics of shown lists, against definitions in plain Python."""

import io
import json
import math
from collections import Counter
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from rich.console import Console

from als_cli.config.root import Config
from als_cli.console.views.hindsight import render_hindsight
from als_cli.errors import ConfigError, DataError
from als_cli.evaluation import hindsight as evaluation
from als_cli.evaluation.list_tables import user_ranges
from als_cli.ranking.lists import output_schema, shortfall_schema
from als_cli.stages.context import StageContext
from als_cli.stages.hindsight import hindsight
from als_cli.storage.sinks.publish_lists import open_sink
from als_cli.storage.sinks.target import target_of
from tests.stages.evaluation_builders import START, clean_events, publish_events

INSTANT = START + timedelta(days=30)
USERS, ITEMS, TOP_N, AT = 40, 12, 6, (2, 5)
RNG = np.random.default_rng(3)
LISTS = {user: RNG.permutation(ITEMS)[: RNG.integers(1, TOP_N + 1)].tolist() for user in range(USERS)}
SOURCE = {
    (user, item): str(RNG.choice(["als", "popular", "pinned"])) for user in LISTS for item in LISTS[user]
}
REASON = {slot: int(RNG.integers(3)) if RNG.random() < 0.8 else None for slot in SOURCE}
PAST = [(int(RNG.integers(USERS)), int(RNG.zipf(1.6) % ITEMS), float(RNG.uniform(0, 30))) for _ in range(200)]
LATER = [
    (int(RNG.integers(USERS + 5)), int(RNG.integers(ITEMS + 3)), float(RNG.uniform(28, 40)))
    for _ in range(150)
]


def context_in(folder, **sections):
    config = {
        "workspace": str(folder / "work"),
        "events": {"source": "events.csv", "columns": {"timestamp": "ts"}, "max_bad_fraction": 0.5},
        "evaluate": {"at": [*AT]},
        "recommend": {"output": {"path": str(folder / "lists")}, "top_n": TOP_N},
    }
    for name, section in sections.items():
        config[name] |= section
    return StageContext(Config.model_validate(config))


def publish(context, *, layout="rows", reasons=True, path=None):
    """Publish LISTS for INSTANT in ascending order of the users."""
    output = context.config.recommend.output.model_copy(update={"layout": layout})
    target = target_of(output if path is None else output.model_copy(update={"path": str(path)}))
    slots = [(u, rank, i) for u, items in LISTS.items() for rank, i in enumerate(items, 1)]
    rows = pl.DataFrame(
        {
            "user_id": [u for u, _, _ in slots],
            "rank": [rank for _, rank, _ in slots],
            "item_id": [i for _, _, i in slots],
            "score": [1 / rank for _, rank, _ in slots],
            "source": [SOURCE[u, i] for u, _, i in slots],
            "because": [None if REASON[u, i] is None else [REASON[u, i], 99] for u, _, i in slots],
            "because_shares": [None if REASON[u, i] is None else [0.5, 0.1] for u, _, i in slots],
        }
    )
    schema = output_schema("rows", pl.Int64(), pl.Int64(), because=reasons)
    rows = rows.select(schema.names()).cast(schema)
    if layout == "lists":
        names = {"item_id": "item_ids", "score": "scores", "source": "sources"}
        kept = [name for name in rows.columns if name not in ("user_id", "rank")]
        rows = rows.group_by("user_id", maintain_order=True).agg(kept).rename(names)
        schema = output_schema("lists", pl.Int64(), pl.Int64(), because=reasons)
    config = context.config.model_dump(mode="json")
    config["events"]["as_of"] = INSTANT.isoformat()
    with open_sink(target, schema, shortfall_schema(pl.Int64()), io.BytesIO()) as sink:
        sink.write(rows.cast(schema), pl.DataFrame(schema=shortfall_schema(pl.Int64())), USERS)
        sink.finish("key", config)
    return context


def write_later(folder, rows=LATER, name="new.csv"):
    """Write events with days after START, and return the path."""
    lines = [f"{u},{i},{(START + timedelta(days=day)).isoformat()}" for u, i, day in rows]
    (folder / name).write_text("user_id,item_id,ts\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return str(folder / name)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Return context, report and folder of one evaluation with a history."""
    folder = tmp_path_factory.mktemp("hindsight")
    context = publish(publish_events(context_in(folder), clean_events(PAST)))
    report = hindsight(context, published=str(folder / "lists"), events=write_later(folder))
    return context, report, folder


def relevant_of(*, new):
    """Return the relevant items of each user: events after the lists; with `new`, without the pairs of PAST."""
    past = {(u, i) for u, i, _ in PAST} if new else set()
    found = {}
    for user, item, day in LATER:
        if day > 30 and user in LISTS and (user, item) not in past:
            found.setdefault(user, set()).add(item)
    return found


def naive(lists, relevant, k):
    """Return the mean metrics of `lists` at k over the users of `relevant`."""
    sums = Counter()
    for user, items in relevant.items():
        hits = [item in items for item in lists[user][:k]]
        sums["hits"] += sum(hits)
        sums["precision"] += sum(hits) / k
        sums["recall"] += sum(hits) / len(items)
        sums["hit_rate"] += any(hits)
        ideal = sum(1 / math.log2(r + 2) for r in range(min(k, len(items))))
        sums["ndcg"] += sum(hit / math.log2(r + 2) for r, hit in enumerate(hits)) / ideal
    return {f"{name}@{k}": value / len(relevant) for name, value in sums.items()}


def popular_lists():
    """Return the most popular items of PAST that each user has not seen; equal items by id."""
    pairs = {(u, i) for u, i, _ in PAST}
    users = Counter(i for _, i in pairs)
    ranked = sorted(users, key=lambda item: (-users[item], item))
    return {u: [i for i in ranked if (u, i) not in pairs] for u in LISTS}


@pytest.mark.parametrize("new", [False, True])
def test_metrics_of_the_lists_and_of_the_popular_items(shop, new):
    found = shop[1].relevant[new]
    relevant = relevant_of(new=new)
    assert (found.items, found.users) == ("new" if new else "all", len(relevant))
    assert found.pairs == sum(map(len, relevant.values()))
    expected = naive(LISTS, relevant, 2) | naive(LISTS, relevant, 5)
    popular = naive(popular_lists(), relevant, 2) | naive(popular_lists(), relevant, 5)
    values = {one.metric: one for one in found.metrics}
    for name, value in expected.items():
        assert values[name].value == pytest.approx(value)
        assert values[name].popular == pytest.approx(popular[name])
        assert values[name].low <= value <= values[name].high
    differences = {one.metric: one.difference for one in found.comparisons}
    assert differences == pytest.approx({name: one.value - one.popular for name, one in values.items()})


def test_slots_by_source_rule_rank_and_reason(shop):
    report, relevant = shop[1], relevant_of(new=False)
    slots = [(u, rank, i) for u in relevant for rank, i in enumerate(LISTS[u], 1)]

    def counted(group):
        shown = Counter(group(*slot) for slot in slots)
        hits = Counter(group(u, rank, i) for u, rank, i in slots if i in relevant[u])
        return {name: (shown[name], hits[name]) for name in shown if name is not None}

    def reported(groups):
        assert all(one.low <= one.hit_rate <= one.high for one in groups)
        return {one.name: (one.shown, one.hits) for one in groups}

    assert reported(report.sources) == counted(lambda u, _, i: SOURCE[u, i])
    assert reported(report.ranks) == counted(lambda _u, rank, _i: rank)
    assert [one.name for one in report.ranks] == sorted(one.name for one in report.ranks)
    assert reported(report.reasons) == counted(lambda u, _, i: REASON[u, i])
    # No rule of the config pins items, so the source stands for the rule.
    assert reported(report.rules) == {"pinned": reported(report.sources)["pinned"]}


def test_counts_and_period(shop):
    report = shop[1]
    after = [row for row in LATER if row[2] > 30]
    assert report.counts == {
        "users_with_list": USERS,
        "users_with_events": len({user for user, _, _ in after}),
        "users_evaluated": len(relevant_of(new=False)),
    }
    assert (report.later.events, report.later.earlier) == (len(after), len(LATER) - len(after))
    assert report.lists.instant == INSTANT
    assert INSTANT < report.later.first <= report.later.last


def test_files_for_a_ledger(shop):
    context, report, folder = shop
    document = json.loads(next((folder / "work" / "hindsight").glob("*.json")).read_bytes())
    assert str(folder / "work" / "hindsight") in report.file
    assert document["kind"] == "hindsight"
    assert document["relevant"] == report.model_dump(mode="json")["relevant"]
    assert document["inputs"][0]["path"] == str(folder / "new.csv")
    rows = pl.read_parquet(report.per_user)
    assert document["per_user"]["rows"] == rows.height
    means = rows.filter(pl.col("items") == "all", pl.col("k") == 5).select("hits", "ndcg").mean().row(0)
    values = {one.metric: one.value for one in report.relevant[0].metrics}
    assert means == pytest.approx((values["hits@5"], values["ndcg@5"]))
    assert set(rows.filter(pl.col("items") == "new")["user_id"]) == set(relevant_of(new=True))
    again = hindsight(context, published=report.lists.version, events=str(folder / "new.csv"))
    assert again.model_dump(exclude={"seconds"}) == report.model_dump(exclude={"seconds"})
    fewer = write_later(folder, [row for row in LATER if row[2] < 35], "week.csv")
    hindsight(context, published=str(folder / "lists"), events=fewer)
    names = sorted(path.name for path in (folder / "work" / "hindsight").iterdir())
    assert [name.rpartition(".")[2] for name in names] == ["json", "parquet"] * 2
    assert {name.partition("--")[0] for name in names} == {"20260131T000000Z"}


@pytest.mark.parametrize(
    ("path", "layout"), [("lists", "lists"), ("lists.csv", "rows"), ("lists.ndjson", "rows")]
)
def test_other_formats_and_no_dataset(shop, tmp_path, monkeypatch, path, layout):
    monkeypatch.setattr(evaluation, "user_ranges", lambda counts, _rows: user_ranges(counts, 20))
    context = context_in(tmp_path)
    publish(context, layout=layout, reasons=path != "lists.csv", path=tmp_path / path)
    report = hindsight(context, published=str(tmp_path / path), events=write_later(tmp_path))
    assert [one.items for one in report.relevant] == ["all"]
    assert report.history is None
    expected = {one.metric: one.value for one in shop[1].relevant[0].metrics}
    assert {one.metric: one.value for one in report.relevant[0].metrics} == pytest.approx(expected)
    counts = [[(one.name, one.shown, one.hits) for one in found.sources] for found in (report, shop[1])]
    assert counts[0] == counts[1]
    assert all(one.popular is None for one in report.relevant[0].metrics)


def test_returned_items_and_bad_rows_do_not_count(tmp_path):
    context = publish(context_in(tmp_path, events={"columns": {"timestamp": "ts", "value": "n"}}))
    user, item = 0, LISTS[0][0]
    day = (INSTANT + timedelta(days=1)).isoformat()
    text = f"user_id,item_id,ts,n\n{user},{item},{day},2\n{user},{item},{day},-2\n1,{LISTS[1][0]},{day},1\n,5,{day},1\n"
    (tmp_path / "new.csv").write_text(text, encoding="utf-8")
    report = hindsight(context, published=str(tmp_path / "lists"), events=str(tmp_path / "new.csv"))
    assert report.counts["users_evaluated"] == 1
    assert report.later.rejected == {"null_user": 1}
    assert report.relevant[0].metrics[0].value == 1


class TestErrors:
    def test_both_paths_are_needed(self, shop):
        for paths in ({"published": "x", "events": None}, {"published": None, "events": "x"}):
            with pytest.raises(ConfigError, match=r"--(events|published) is missing"):
                hindsight(shop[0], **paths)

    def test_events_before_the_lists(self, shop, tmp_path):
        early = write_later(tmp_path, [(1, 2, 3.0)])
        with pytest.raises(DataError, match="no event is after the lists, which were made for 2026-01-31"):
            hindsight(shop[0], published=str(shop[2] / "lists"), events=early)

    def test_events_of_other_users(self, shop, tmp_path):
        others = write_later(tmp_path, [(999, 2, 33.0)])
        with pytest.raises(
            DataError, match="none of 40 users with a list has an interaction after the lists"
        ):
            hindsight(shop[0], published=str(shop[2] / "lists"), events=others)

    def test_lists_without_manifest(self, shop, tmp_path):
        pl.DataFrame({"user_id": [1], "rank": [1], "item_id": [2]}).write_parquet(tmp_path / "mine.parquet")
        with pytest.raises(DataError, match=r"no manifest for the lists at .*mine\.parquet"):
            hindsight(shop[0], published=str(tmp_path / "mine.parquet"), events="new.csv")

    def test_a_dataset_without_times_that_is_newer(self, tmp_path, caplog):
        rows = [(u, i, None) for u, i, _ in PAST]
        context = publish(publish_events(context_in(tmp_path), clean_events(rows)))
        report = hindsight(context, published=str(tmp_path / "lists"), events=write_later(tmp_path))
        assert report.history is None
        assert "the dataset is newer than the lists and has no timestamps" in caplog.text


def test_the_table_fits_in_80_columns(shop):
    console = Console(file=io.StringIO(), width=80)
    console.print(render_hindsight(shop[1]))
    lines = [" ".join(line.split()) for line in console.file.getvalue().splitlines()]
    users = shop[1].relevant[0].users
    assert f"{users} of 40 users with a list have events" in lines
    assert any(
        line.startswith("ndcg@2 ") and line.endswith(("better", "worse", "not clear")) for line in lines
    )
    assert any(line.startswith("popular ") for line in lines)
