"""`als embeddings`: dot products are the scores of the lists, in the words of pyarrow, polars, DuckDB and numpy."""

import re
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest

from tests.in_process import als_here, done, failed
from tests.shop import CONFIG, write_shop

DEMAND = """train:
  factors: 8
  iterations: 5
  demand: {half_life: 5d, exponent: 0.5, long_run_half_life: 60d, long_run_exponent: 0.3, offset: 0.7}
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Return the config of a shop with a model with demand, and events of users who are newer than the model."""
    folder = tmp_path_factory.mktemp("shop")
    config = write_shop(folder, CONFIG.replace("train: {factors: 8, iterations: 5}\n", DEMAND))
    done("ingest", "-c", config)
    done("train", "-c", config)
    with (folder / "events.csv").open("a", encoding="utf-8") as events:
        events.write("new1,i03,1769817600,view\nnew1,i05,1769817600,purchase\nnew2,unknown,1769817600,view\n")
    done("ingest", "-c", config)
    done("recommend", "-c", config, "--output", folder / "lists.parquet")
    return config


@pytest.fixture
def published(shop, tmp_path):
    report = done("embeddings", "-c", shop, "--output", tmp_path / "vectors")
    return report, tmp_path / "vectors"


def scores(folder):
    """Return the dot product of each user and item, by id."""
    users, items = (pl.read_parquet(folder / name) for name in ("users.parquet", "items.parquet"))
    products = users["embedding"].to_numpy() @ items["embedding"].to_numpy().T
    pairs = users.select("user_id").join(items.select("item_id", "candidate"), how="cross")
    return pairs.with_columns(product=pl.Series(products.reshape(-1)))


def test_dot_products_are_the_scores_of_the_lists(shop, published):
    _, folder = published
    lists = pl.read_parquet(shop.parent / "lists.parquet").filter(pl.col("source") != "popular")
    assert set(lists["source"]) == {"als", "fold_in"}
    both = lists.join(scores(folder), on=["user_id", "item_id"], how="left")
    np.testing.assert_allclose(both["product"], both["score"], rtol=2e-6)


def test_the_best_candidates_by_dot_product_are_the_list_without_seen_items(shop, tmp_path):
    done("embeddings", "-c", shop, "--output", tmp_path / "vectors")
    done(
        "recommend",
        "-c",
        shop,
        "--output",
        tmp_path / "lists.parquet",
        "--set",
        "recommend.exclude_seen=false",
    )
    best = (
        scores(tmp_path / "vectors")
        .filter("candidate")
        .sort("user_id", "product", descending=[False, True])
        .group_by("user_id", maintain_order=True)
        .agg(pl.col("item_id").head(5))
    )
    lists = pl.read_parquet(tmp_path / "lists.parquet").filter(pl.col("source") != "popular")
    assert lists.group_by("user_id", maintain_order=True).agg("item_id").equals(best)


def test_the_report_and_the_users(published):
    report, folder = published
    assert (report["users"], report["users_without_vector"], report["items"]) == (121, 1, 40)
    assert report["dimensions"] == 9  # 8 factors and the offset
    users = pl.read_parquet(folder / "users.parquet")
    assert users.filter(pl.col("user_id").str.starts_with("new"))["user_id", "source"].rows() == [
        ("new1", "fold_in")
    ]
    items = pl.read_parquet(folder / "items.parquet")
    assert items.filter(~pl.col("candidate"))["item_id"].to_list() == ["i07"]  # its price is 0


def test_without_demand_they_are_the_factors(shop, tmp_path):
    done("embeddings", "-c", shop, "--output", tmp_path / "vectors", "--set", "embeddings.demand=false")
    items = pl.read_parquet(tmp_path / "vectors" / "items.parquet")
    stored = pl.read_ipc(shop.parent / "work" / "models" / "item_factors.arrow")
    assert np.array_equal(items["embedding"].to_numpy(), stored["factors"].to_numpy())
    assert items["item_id"].equals(stored["item_id"])
    users = pl.read_parquet(tmp_path / "vectors" / "users.parquet").filter(pl.col("source") == "als")
    stored = pl.read_ipc(shop.parent / "work" / "models" / "user_factors.arrow")
    assert np.array_equal(users["embedding"].to_numpy(), stored["factors"].to_numpy())


def test_readers(published):
    _, folder = published
    schema = pq.read_schema(folder / "items.parquet")
    assert str(schema.field("embedding").type).startswith("fixed_size_list<")
    assert str(schema.field("embedding").type.value_type) == "float"
    assert pl.read_parquet_schema(folder / "users.parquet")["embedding"] == pl.Array(pl.Float32, 9)
    query = f"""
        select i.item_id, list_inner_product(u.embedding::float[], i.embedding::float[]) as score
        from '{folder}/users.parquet' u, '{folder}/items.parquet' i
        where u.user_id = 'u001' and i.candidate order by score desc limit 1
    """
    ((best, score),) = duckdb.sql(query).fetchall()
    expected = (
        scores(folder).filter(pl.col("candidate") & (pl.col("user_id") == "u001")).sort("product").tail(1)
    )
    assert best == expected["item_id"].item()
    assert score == pytest.approx(expected["product"].item(), rel=1e-5)


def test_the_example_of_the_docs(published):
    page = (Path(__file__).parents[1] / "docs" / "outputs.md").read_text(encoding="utf-8")
    section = page.partition("\n## Embeddings\n")[2].partition("\n### ")[0]
    (code,) = re.findall(r"^```python\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    code = code.replace("out/embeddings", str(published[1])) + "print(best.shape, scores.dtype)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ended.stdout, ended.stderr) == ("(121, 20) float32\n", "")


def test_versions_and_rollback(shop, tmp_path):
    options = ("-c", shop, "--set", f"embeddings.path={tmp_path / 'vectors'}")
    done("embeddings", *options)
    first = (tmp_path / "vectors" / "items.parquet").read_bytes()
    done("embeddings", *options, "--set", "embeddings.demand=false")
    found = [one for one in done("versions", *options)["versions"] if one["of"] == "embeddings"]
    assert [one["published"] for one in found] == [True, False]
    done("rollback", "--of", "embeddings", *options)
    assert (tmp_path / "vectors" / "items.parquet").read_bytes() == first


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("work/vectors", "overlaps workspace"),
        ("lists/vectors", r"overlaps recommend.output.path"),
        ("catalog.csv", "is the same file as recommend.items.catalog"),
        (".", "contains events.source"),
    ],
)
def test_what_is_read_is_not_overwritten(shop, path, message):
    error = failed(2, "embeddings", "-c", shop, "--output", shop.parent / path)
    assert message in error["message"]


def test_a_folder_of_others_is_not_replaced(shop, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").touch()
    assert (
        "was not made by als" in failed(2, "embeddings", "-c", shop, "--output", tmp_path / "mine")["message"]
    )


def test_the_summary(shop, tmp_path):
    ended = als_here("embeddings", "-c", shop, "--output", tmp_path / "vectors", "-v")
    assert ended.returncode == 0
    assert "dot products are the scores of the lists" in ended.stderr
    assert "users without a vector: 1" in ended.stderr
