"""The vectors of `als embeddings` in PostgreSQL with pgvector: the program and the SQL of docs/outputs.md are what runs."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.in_process import done
from tests.shop import CONFIG, write_shop

PAGE = (Path(__file__).parents[1] / "docs" / "outputs.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("\n### pgvector\n")[2].partition("\n## ")[0]
(LOADING,) = re.findall(r"^```python\n(.*?)^```", SECTION, re.MULTILINE | re.DOTALL)
TABLES, QUERY, INDEX = re.findall(r"^```sql\n(.*?)^```", SECTION, re.MULTILINE | re.DOTALL)
TRAIN = "train: {factors: 8, iterations: 5}\n"
PLAIN = "train: {factors: 8, iterations: 5, demand: {exponent: 0, long_run_exponent: 0}}\n"
DEMAND = (
    "train: {factors: 8, iterations: 5, demand: {half_life: 5d, exponent: 0.5, long_run_half_life: 60d, "
    "long_run_exponent: 0.3, offset: 0.7}}\n"
)


@pytest.fixture(params=[PLAIN, DEMAND], ids=["plain", "demand"])
def published(request, tmp_path):
    """Return the folder of the vectors, their dimensions, and the lists of all users without excluded items."""
    shop = write_shop(tmp_path, CONFIG.replace(TRAIN, request.param))
    for command in ("ingest", "train"):
        done(command, "-c", shop)
    report = done("embeddings", "-c", shop, "--output", tmp_path / "vectors")
    lists = tmp_path / "lists.parquet"
    done("recommend", "-c", shop, "--output", lists, "--set", "recommend.exclude_seen=false")
    return tmp_path / "vectors", report["dimensions"], pl.read_parquet(lists)


@pytest.fixture
def place(postgres, schema):
    """Return the URI of an empty schema in which pgvector can be created."""
    if postgres.read("select from pg_available_extensions where name = 'vector'").height == 0:
        pytest.skip("the PostgreSQL server does not have pgvector, so this test does not run")
    return f"{postgres.uri()}&options=-csearch_path%3D{schema}"


def run(uri, statements):
    """Run all `statements`, and return the rows of the last one."""
    import adbc_driver_postgresql.dbapi as postgresql

    with postgresql.connect(uri, autocommit=True) as connection, connection.cursor() as cursor:
        for statement in filter(str.strip, statements.split(";")):
            cursor.execute(statement)
        return cursor.fetchall()


def test_inner_products_give_the_lists(place, published, postgres):
    folder, dimensions, lists = published
    loading = LOADING.replace("out/embeddings", str(folder)).replace("postgresql:///shop", place)
    ended = subprocess.run([sys.executable, "-c", loading], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    run(place, TABLES.replace("vector(9)", f"vector({dimensions})"))
    users = pl.read_parquet(folder / "users.parquet")["user_id"]
    query = QUERY.replace("limit 20", "limit 5")
    exact = {user: run(place, query.replace("u00039", user)) for user in users}
    own = lists.filter(pl.col("source").is_in(["als", "fold_in"]))
    assert set(own["user_id"]) == set(users)
    for (user,), rows in own.sort("rank").group_by("user_id"):
        assert [item for item, _ in exact[user]] == rows["item_id"].to_list()
        np.testing.assert_allclose([score for _, score in exact[user]], rows["score"], rtol=1e-5)
    run(place, INDEX)
    command = [postgres.programs / "psql", place, "-c", "set enable_seqscan = off", "-c", f"explain {query}"]
    plan = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "Index Scan using item_vectors_embedding_idx" in plan
    found = run(place, f"set enable_seqscan = off; {query.replace('u00039', users[0])}")
    assert set(found) <= set(run(place, query.replace("limit 5", "").replace("u00039", users[0])))


def test_loading_again_replaces_the_vectors(place, published):
    folder, dimensions, _ = published
    loading = LOADING.replace("out/embeddings", str(folder)).replace("postgresql:///shop", place)
    for _ in range(2):
        subprocess.run([sys.executable, "-c", loading], check=True)
        run(place, TABLES.replace("vector(9)", f"vector({dimensions})"))
    counts = run(place, "select (select count(*) from user_vectors), (select count(*) from item_vectors)")
    assert counts == [(120, 39)]  # the price of one item is 0
