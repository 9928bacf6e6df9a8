"""Each tool that the docs name opens the outputs of als-cli without extra code or extensions."""

import json
import shutil
import subprocess
import sys

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pytest
from scipy.sparse import csr_matrix

from tests.in_process import als_here
from tests.shop import write_shop
from tests.storage.test_sinks import ROWS, target, write

FORMATS = ("parquet", "csv", "ndjson", "arrow")


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("opened")
    config = write_shop(folder)
    commands = [["run", "-c", config], *(["recommend", "-c", config, "-o", f"lists.{f}"] for f in FORMATS)]
    for command in commands:
        ended = als_here(*command, cwd=folder)
        assert ended.returncode == 0, ended.stderr
    return folder


def parquet_files(shop):
    found = [
        path for place in ("", "lists", "work/*") for path in shop.glob(f"{place}/*.parquet".lstrip("/"))
    ]
    assert len({path.name for path in found}) >= 8
    return found


def test_duckdb_opens_every_parquet_file(shop):
    for path in parquet_files(shop):
        assert duckdb.execute(f"select count(*) from '{path}'").fetchone() == (pl.read_parquet(path).height,)


def test_polars_and_pandas_open_every_parquet_file(shop):
    for path in parquet_files(shop):
        table = pd.read_parquet(path)
        assert list(table.columns) == pl.read_parquet(path).columns
        assert len(table) == pl.read_parquet(path).height


@pytest.mark.parametrize("pattern", ["", "/", "/*.parquet", "/**/*.parquet"])
def test_a_folder_of_lists_is_one_table_after_several_publications(tmp_path, pattern):
    for number in (1, 2, 3):
        write(target(tmp_path / "recs", users_per_part=2), [ROWS] * number, key=f"key{number}")
    path, rows = f"{tmp_path}/recs{pattern}", 3 * ROWS.height
    assert len(duckdb.connect().execute(f"from read_parquet('{path}')").fetchall()) == rows
    assert pl.read_parquet(path).height == rows
    assert pl.scan_parquet(path).collect().height == rows
    if "*" not in pattern:
        assert len(pd.read_parquet(path)) == rows
        assert pa.dataset.dataset(path).count_rows() == rows


def test_lists_of_every_format_open(shop):
    expected = pl.read_parquet(shop / "lists.parquet").select("user_id", "rank", "item_id").rows()
    for read in (
        lambda: duckdb.execute(f"from read_csv('{shop}/lists.csv')").fetchall(),
        lambda: duckdb.execute(f"from read_json('{shop}/lists.ndjson')").fetchall(),
        lambda: pl.read_csv(shop / "lists.csv").rows(),
        lambda: pl.read_ndjson(shop / "lists.ndjson").rows(),
        lambda: pl.read_ipc(shop / "lists.arrow").rows(),
        lambda: pd.read_csv(shop / "lists.csv").itertuples(index=False),
        lambda: pd.read_json(shop / "lists.ndjson", lines=True).itertuples(index=False),
        lambda: pd.read_feather(shop / "lists.arrow").itertuples(index=False),
    ):
        assert [tuple(row)[:3] for row in read()] == expected


@pytest.mark.parametrize("side", ["user", "item"])
def test_the_model_opens_in_polars_pandas_pyarrow_and_duckdb(shop, side):
    path = shop / f"work/models/{side}_factors.arrow"
    by_polars = pl.read_ipc(path)
    expected = by_polars["factors"].to_numpy()
    assert expected.shape == (by_polars.height, 8)
    factors = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
    assert np.array_equal(np.stack(factors["factors"].to_numpy()), expected)
    by_pandas = pd.read_feather(path)
    assert by_pandas[f"{side}_id"].to_list() == by_polars[f"{side}_id"].to_list()
    assert np.array_equal(np.stack(by_pandas["factors"]), expected)
    first = duckdb.execute(f"select {side}_id, factors[1] from factors").fetchall()
    assert first == list(zip(by_polars[f"{side}_id"], expected[:, 0].tolist(), strict=True))


def test_numpy_opens_the_matrix(shop):
    folder = shop / "work/dataset"
    indptr, indices, strength = (
        np.load(folder / f"matrix_{name}.npy", allow_pickle=False)
        for name in ("indptr", "indices", "strength")
    )
    matrix = csr_matrix((strength, indices, indptr))
    users = pl.read_parquet(folder / "users.parquet")
    assert np.diff(matrix.indptr).tolist() == users["interactions"].to_list()


def test_duckdb_reads_rows_from_a_pipe(shop):
    query = "select item_id, count(*) from read_csv('/dev/stdin') group by all"
    # Run the statement once, as the DuckDB command line does, because a pipe cannot be read twice.
    script = f"import duckdb; print(len(duckdb.execute({query!r}).fetchall()))"
    rows = als_here("recommend", "-c", "shop.yaml", "--output", "-", cwd=shop).stdout
    ended = subprocess.run(
        [sys.executable, "-c", script], input=rows, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) == pl.read_parquet(shop / "lists.parquet")["item_id"].n_unique()


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
@pytest.mark.parametrize("query", ["select(.rank == 1) | .item_id", "select(.rank <= 3)"])
def test_jq_reads_rows_from_a_pipe(shop, query):
    ndjson = ("--set", "recommend.output.format=ndjson")
    rows = als_here("recommend", "-c", "shop.yaml", "--output", "-", *ndjson, cwd=shop).stdout
    ended = subprocess.run(["jq", "-c", query], input=rows, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    ranks = 1 if "== 1" in query else 3
    assert (
        len(ended.stdout.splitlines())
        == pl.read_parquet(shop / "lists.parquet")["user_id"].n_unique() * ranks
    )


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
def test_jq_reads_reports_and_manifests(shop):
    report = als_here("run", "-c", "shop.yaml", "--json", cwd=shop).stdout
    documents = [report, *(path.read_text() for path in shop.rglob("manifest.json"))]
    documents += [path.read_text() for path in shop.rglob("metrics.json")]
    assert len(documents) >= 5
    for document in documents:
        ended = subprocess.run(["jq", "-S", "."], input=document, capture_output=True, text=True, check=False)
        # Compare only some keys: jq 1.6 rounds integers above 2^53, for example nanoseconds.
        assert json.loads(ended.stdout).keys() == json.loads(document).keys()
