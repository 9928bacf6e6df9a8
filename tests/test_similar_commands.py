"""`als similar` and `als audience`: the lists follow the vectors of `als embeddings` and the scores of `als recommend`."""

import numpy as np
import polars as pl
import pytest

from tests.in_process import done, failed
from tests.shop import CONFIG, write_shop

DEMAND = """train:
  factors: 8
  iterations: 5
  demand: {half_life: 5d, exponent: 0.5, long_run_half_life: 60d, long_run_exponent: 0.3, offset: 0.7}
"""
ROWS = ("--set", "recommend.output.layout=rows")


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Return the config of a shop with a model with demand, and with users and an item that are newer."""
    folder = tmp_path_factory.mktemp("shop")
    config = write_shop(folder, CONFIG.replace("train: {factors: 8, iterations: 5}\n", DEMAND))
    catalog = pl.read_csv(folder / "catalog.csv")
    catalog.with_columns(shelf=pl.col("price") // 10).write_csv(folder / "catalog.csv")
    done("ingest", "-c", config)
    done("train", "-c", config)
    with (folder / "events.csv").open("a", encoding="utf-8") as events:
        events.write("new1,i03,1769817600,view\nnew1,i05,1769817600,purchase\nnew2,unknown,1769817600,view\n")
        events.write("u001,i99,1769817600,view\nu003,i99,1769817600,view\n")
    done("ingest", "-c", config)
    (folder / "campaign.csv").write_text("item_id\ni30\nmissing\ni03\ni03\n", encoding="utf-8")
    return config


@pytest.fixture(scope="module")
def vectors(shop):
    """Return the tables of users and items with their factors."""
    folder = shop.parent / "vectors"
    done("embeddings", "-c", shop, "--output", folder, "--set", "embeddings.demand=false")
    return {name: pl.read_parquet(folder / f"{name}.parquet") for name in ("users", "items")}


def cosines(table, column):
    """Return all pairs of different rows of `table` with their cosine, nearest first."""
    factors = table["embedding"].to_numpy().astype(np.float64)
    units = factors / np.linalg.norm(factors, axis=1, keepdims=True)
    ids = table[column].to_list()
    pairs = [
        (one, -(units[a] @ units[b]), other)
        for a, one in enumerate(ids)
        for b, other in enumerate(ids)
        if a != b
    ]
    return [(one, other, -negative) for one, negative, other in sorted(pairs)]


def first(pairs, n):
    """Return the first `n` pairs of each id."""
    lists = {}
    for one, other, cosine in pairs:
        if len(lists.setdefault(one, [])) < n:
            lists[one].append((other, cosine))
    return lists


def same(table, expected):
    column = table.columns[0]
    ids = table.group_by(column, maintain_order=True).agg("similar_id").rows()
    assert ids == [(one, [other for other, _ in found]) for one, found in sorted(expected.items())]
    scores = [cosine for _, found in sorted(expected.items()) for _, cosine in found]
    np.testing.assert_allclose(table["score"], scores, rtol=1e-5, atol=1e-6)


def test_similar_items_are_the_nearest_candidates(shop, vectors, tmp_path):
    output = tmp_path / "similar.parquet"
    report = done("similar", "items", "-c", shop, "--output", output, "--top-n", 6)
    found = pl.read_parquet(output)
    assert dict(found.schema) == {
        "item_id": pl.String,
        "rank": pl.Int32,
        "similar_id": pl.String,
        "score": pl.Float32,
    }
    candidates = set(vectors["items"].filter("candidate")["item_id"])
    pairs = [pair for pair in cosines(vectors["items"], "item_id") if pair[1] in candidates]
    same(found, first(pairs, 6))
    assert "i07" in found["item_id"]  # it is no candidate, but it has a page
    assert (report["lists"], report["rows"], report["candidates"]) == (41, 246, len(candidates))


def test_similar_users_are_the_nearest_users_with_a_vector(shop, vectors, tmp_path):
    report = done("similar", "users", "-c", shop, "--output", tmp_path / "users", "-n", 4)
    found = pl.read_parquet(tmp_path / "users")
    assert found.columns == ["user_id", "rank", "similar_id", "score"]
    same(found, first(cosines(vectors["users"], "user_id"), 4))
    assert "new1" in found["user_id"]
    assert "new2" not in found["user_id"]  # no item of new2 is in the model
    assert (report["lists"], report["users_without_vector"]) == (vectors["users"].height, 1)


def test_a_new_item_has_neighbours_unless_refresh_is_off(shop, tmp_path):
    output = tmp_path / "similar.csv"
    done("similar", "items", "-c", shop, "--output", output)
    assert "i99" in pl.read_csv(output)["item_id"]
    done("similar", "items", "-c", shop, "--output", output, "--set", "recommend.refresh=none")
    assert "i99" not in pl.read_csv(output)["item_id"]


def test_limits_apply_to_similar_items(shop, vectors, tmp_path):
    limits = "recommend.rules.limits=[{column: shelf, at_most: 1}]"
    done("similar", "items", "-c", shop, "-o", tmp_path / "one.parquet", "-n", 3, "--set", limits)
    shelves = dict(pl.read_csv(shop.parent / "catalog.csv").select("item_id", "shelf").iter_rows())
    candidates = set(vectors["items"].filter("candidate")["item_id"])
    expected = {}
    for one, other, cosine in cosines(vectors["items"], "item_id"):
        taken = expected.setdefault(one, [])
        shelf = shelves.get(other)
        if other in candidates and len(taken) < 3 and shelf not in [shelves[item] for item, _ in taken]:
            taken.append((other, cosine))
    same(pl.read_parquet(tmp_path / "one.parquet"), expected)


@pytest.mark.parametrize(
    ("of", "column", "option"),
    [("items", "item_id", "--minimum-users"), ("users", "user_id", "--minimum-items")],
)
def test_minimum_support(shop, tmp_path, of, column, option):
    events = pl.read_csv(shop.parent / "events.csv")
    other = "user_id" if of == "items" else "item_id"
    counts = events.group_by(column).agg(pl.col(other).n_unique().alias("count"))
    minimum = int(counts["count"].median())
    report = done("similar", of, "-c", shop, "-o", tmp_path / "lists.parquet", option, minimum)
    found = pl.read_parquet(tmp_path / "lists.parquet")
    supported = set(counts.filter(pl.col("count") >= minimum)[column])
    assert set(found[column]) == supported
    assert set(found["similar_id"]) <= supported
    shortfall = pl.read_parquet(tmp_path / "lists.parquet.shortfall.parquet")
    without = shortfall.filter(pl.col("reason") == "minimum_support")
    assert (set(without[column]) & supported, set(without["rows"]), set(without["wanted"])) == (
        set(),
        {0},
        {5},
    )
    assert report["shortfall"]["minimum_support"] == without.height > 0


def scores_of_lists(shop, folder, *options):
    """Return user, item and score of lists of all items, best users of each item first."""
    done("recommend", "-c", shop, "-o", folder / "all.parquet", "--top-n", 50, *options)
    lists = pl.read_parquet(folder / "all.parquet").filter(pl.col("source").is_in(["als", "fold_in"]))
    return lists.sort("item_id", "score", "user_id", descending=[False, True, False])


@pytest.mark.parametrize("exclude_seen", ["true", "false"])
def test_the_audience_has_the_scores_of_the_lists(shop, tmp_path, exclude_seen):
    seen = ("--set", f"recommend.exclude_seen={exclude_seen}")
    campaign = ("--items", shop.parent / "campaign.csv", "-o", tmp_path / "audience.parquet")
    report = done("audience", "-c", shop, *campaign, "-n", 7, *seen)
    found = pl.read_parquet(tmp_path / "audience.parquet")
    scores = scores_of_lists(shop, tmp_path, *seen).filter(pl.col("item_id").is_in(["i03", "i30"]))
    expected = scores.group_by("item_id", maintain_order=True).head(7)
    columns = ("item_id", "user_id", "score")
    assert found.select(columns).equals(expected.select(columns))
    assert found["rank"].to_list() == [*range(1, 8)] * 2
    assert (report["lists"], report["rows"]) == (2, 14)
    assert (report["unknown_items"], report["users_without_vector"]) == (1, 1)


def test_users_of_an_item_who_have_it_are_left_out(shop, tmp_path):
    campaign = ("--items", shop.parent / "campaign.csv", "-o", tmp_path / "audience.parquet")
    done("audience", "-c", shop, *campaign, "-n", 200)
    found = pl.read_parquet(tmp_path / "audience.parquet").select("user_id", "item_id")
    events = pl.read_csv(shop.parent / "events.csv").select("user_id", "item_id")
    assert found.join(events, on=["user_id", "item_id"]).is_empty()
    have = events.filter(pl.col("item_id") == "i03")["user_id"].n_unique()
    assert found.filter(pl.col("item_id") == "i03").height == 121 - have


def test_rules_on_single_users_apply_to_the_audience(shop, tmp_path):
    campaign = ("--items", shop.parent / "campaign.csv", "-o", tmp_path / "audience.parquet")
    done("audience", "-c", shop, *campaign, "-n", 200)
    everyone = pl.read_parquet(tmp_path / "audience.parquet")
    best, middle = everyone["user_id"][0], everyone["score"].median()
    (tmp_path / "deny.csv").write_text(f"user_id,item_id\n{best},i03\n", encoding="utf-8")
    rules = (
        f"recommend.rules.user_deny.file={tmp_path / 'deny.csv'}",
        f"recommend.rules.minimum_score={middle}",
    )
    report = done("audience", "-c", shop, *campaign, "-n", 200, "--set", rules[0], "--set", rules[1])
    found = pl.read_parquet(tmp_path / "audience.parquet")
    is_denied = (pl.col("user_id") == best) & (pl.col("item_id") == "i03")
    kept = everyone.filter(~is_denied & (pl.col("score") >= np.float32(middle)))
    assert found.drop("rank").equals(kept.drop("rank"))
    assert report["shortfall"] == {"too_few_candidates": 2}


def test_an_item_has_only_the_users_that_may_get_it(shop, tmp_path):
    pairs = "user_id,item_id\nu002,i03\nu004,i03\nu004,i08\nnew1,i30\nnobody,i30\n"
    (tmp_path / "allow.csv").write_text(pairs, encoding="utf-8")
    allow = f"recommend.rules.user_allow.file={tmp_path / 'allow.csv'}"
    campaign = ("--items", shop.parent / "campaign.csv", "-o", tmp_path / "audience.csv")
    done("audience", "-c", shop, *campaign, "--set", allow, "--set", "recommend.exclude_seen=false")
    found = pl.read_csv(tmp_path / "audience.csv").select("item_id", "user_id")
    assert found.sort("item_id", "user_id").rows() == [("i03", "u002"), ("i03", "u004"), ("i30", "new1")]


def test_users_who_may_see_an_item_again_are_in_its_audience(shop, tmp_path):
    campaign = ("--items", shop.parent / "campaign.csv", "-o", tmp_path / "audience.csv")
    again = ("--set", "recommend.seen_again_after=10d")
    done("audience", "-c", shop, *campaign, "-n", 200, *again)
    events = pl.read_csv(shop.parent / "events.csv").filter(pl.col("item_id") == "i03")
    newest = events.group_by("user_id").agg(pl.col("ts").max())
    hidden = set(newest.filter(pl.col("ts") > 1769817600 - 10 * 86_400)["user_id"])
    found = pl.read_csv(tmp_path / "audience.csv").filter(pl.col("item_id") == "i03")
    users = set(pl.read_csv(shop.parent / "events.csv")["user_id"]) - {"new2"}
    assert 0 < len(hidden) < newest.height
    assert set(found["user_id"]) == users - hidden


def test_the_users_file_limits_the_audience(shop, tmp_path):
    (tmp_path / "users.csv").write_text("user_id\nu002\nu004\n", encoding="utf-8")
    users = f"recommend.users.file={tmp_path / 'users.csv'}"
    campaign = ("--items", shop.parent / "campaign.csv", "-o", tmp_path / "audience.csv")
    done("audience", "-c", shop, *campaign, "--set", users, "--set", "recommend.exclude_seen=false")
    assert set(pl.read_csv(tmp_path / "audience.csv")["user_id"]) == {"u002", "u004"}


def test_the_users_file_limits_similar_users(shop, tmp_path):
    (tmp_path / "users.csv").write_text("user_id\nu002\nu004\nnobody\n", encoding="utf-8")
    users = f"recommend.users.file={tmp_path / 'users.csv'}"
    report = done("similar", "users", "-c", shop, "-o", tmp_path / "similar.csv", "--set", users)
    found = pl.read_csv(tmp_path / "similar.csv")
    assert found.select("user_id", "similar_id").rows() == [("u002", "u004"), ("u004", "u002")]
    assert (report["users_without_vector"], report["shortfall"]) == (1, {"too_few_candidates": 2})


def test_items_below_the_minimum_have_no_audience(shop, tmp_path):
    campaign = ("--items", shop.parent / "campaign.csv", "-o", tmp_path / "audience.csv")
    report = done("audience", "-c", shop, *campaign, "--minimum-users", 10_000)
    assert (report["rows"], report["shortfall"]) == (0, {"minimum_support": 2})


def test_users_without_history_get_and_give_no_lists(shop, tmp_path):
    (tmp_path / "users.csv").write_text("user_id\nnobody\n", encoding="utf-8")
    options = ("-c", shop, "--set", f"recommend.users.file={tmp_path / 'users.csv'}", "-o")
    report = done("similar", "users", *options, tmp_path / "lists.csv")
    assert (report["lists"], report["rows"], report["shortfall"]) == (0, 0, {})
    assert (tmp_path / "lists.csv").read_text(encoding="utf-8") == "user_id,rank,similar_id,score\n"
    report = done("audience", "--items", shop.parent / "campaign.csv", *options, tmp_path / "audience.csv")
    assert (report["lists"], report["rows"], report["shortfall"]) == (2, 0, {"too_few_candidates": 2})


@pytest.mark.parametrize(
    "output",
    [
        ("--output", "{folder}/mixed"),
        ("--output", "{folder}/mixed.csv"),
        ("--output", "{folder}/mixed", "--set", "recommend.output.format=delta"),
        ("--set", "recommend.output={{database: {{uri: 'duckdb:///{folder}/mixed.duckdb', table: recs}}}}"),
    ],
)
def test_lists_of_one_command_are_not_replaced_by_those_of_another(shop, tmp_path, output):
    def place(name):
        (tmp_path / name).mkdir(exist_ok=True)
        return [option.format(folder=tmp_path / name) for option in output]

    done("recommend", "-c", shop, *place("first"))
    done("recommend", "-c", shop, *place("first"))
    for command in (("similar", "items"), ("audience", "--items", shop.parent / "campaign.csv")):
        error = failed(2, *command, "-c", shop, *place("first"))
        assert "has lists of `als recommend`, which lists of" in error["message"]
    done("similar", "items", "-c", shop, *place("second"))
    done("similar", "items", "-c", shop, *place("second"))
    for command in (("recommend",), ("similar", "users")):
        error = failed(2, *command, "-c", shop, *place("second"))
        assert f"of `als similar items`, which lists of `als {' '.join(command)}`" in error["message"]
