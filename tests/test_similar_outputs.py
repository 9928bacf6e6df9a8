"""Where `als similar` and `als audience` write, what they refuse, and what they print."""

import json

import polars as pl
import pytest

from tests.contract.list_outputs import read_duckdb
from tests.in_process import als_here, done, failed
from tests.shop import write_shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    config = write_shop(folder)
    done("ingest", "-c", config)
    done("train", "-c", config)
    (folder / "campaign.csv").write_text("item_id\ni30\nmissing\ni03\n", encoding="utf-8")
    return config


def commands(shop):
    return (
        ("similar", "items", "-c", shop),
        ("similar", "users", "-c", shop),
        ("audience", "--items", shop.parent / "campaign.csv", "-c", shop),
    )


def test_every_place_has_the_same_rows(shop, tmp_path):
    for number, command in enumerate(commands(shop)):
        place = tmp_path / str(number)
        done(*command, "--output", place / "folder", "--set", "recommend.output.users_per_part=25")
        done(*command, "--output", place / "lists.parquet")
        folder = pl.read_parquet(place / "folder")
        assert folder.equals(pl.read_parquet(place / "lists.parquet"))
        streamed = als_here(*command, "--output", "-")
        assert (streamed.returncode, streamed.stdout) == (0, folder.write_csv())
        database = f"{{database: {{uri: 'duckdb:{place / 'lists.duckdb'}', table: near}}}}"
        done(*command, "--set", f"recommend.output={database}")
        read = read_duckdb(place / "lists.duckdb", "select * from near")
        assert read.sort(read.columns[:2]).equals(folder)


def test_bytes_do_not_depend_on_threads_and_blocks(shop, tmp_path):
    for number, command in enumerate(commands(shop)):
        found = []
        for threads, block in ((1, 1000), (2, 1000), (2, 7)):
            output = tmp_path / f"{number}-{threads}-{block}.parquet"
            done(*command, "-o", output, "--threads", threads, "--set", f"recommend.block_users={block}")
            found.append(output.read_bytes())
        assert found[0] == found[1]
        assert pl.read_parquet(tmp_path / f"{number}-2-7.parquet").equals(
            pl.read_parquet(tmp_path / f"{number}-1-1000.parquet")
        )


def test_the_output_is_required_and_is_not_that_of_the_lists(shop):
    for command in commands(shop):
        missing = failed(2, *command)
        assert missing["message"] == "--output is missing"
        assert "--output PATH" in missing["hint"]
        for path in ("lists", "lists/more"):
            refused = failed(2, *command, "-o", shop.parent / path)["message"]
            assert f"overlaps the lists of recommend.output.path {shop.parent / 'lists'}" in refused
        path_by_set = failed(2, *command, "--set", f"recommend.output.path={shop.parent / 'near'}")
        assert path_by_set["message"] == "--output is missing"
        lists = failed(2, *command, "-o", shop.parent / "near", "--set", "recommend.output.layout=lists")
        assert "layout" in lists["message"]
        assert failed(2, *command, "-o", shop.parent / "work" / "near")["message"].endswith(
            f"{shop.parent / 'work'}"
        )


def test_a_configured_database_of_the_lists_is_not_replaced(shop, tmp_path):
    config = tmp_path / "shop.yaml"
    database = f"output: {{database: {{uri: 'duckdb:{tmp_path / 'a.duckdb'}', table: recs}}}}"
    text = shop.read_text(encoding="utf-8").replace("output: {path: lists}", database)
    config.write_text(text.replace("workspace: work", f"workspace: {shop.parent / 'work'}"), encoding="utf-8")
    same = ("--set", "recommend.output.database.table=recs")
    assert "overlaps the lists" in failed(2, "similar", "users", "-c", config, *same)["message"]
    assert failed(2, "similar", "users", "-c", config)["message"] == "--output is missing"
    done("similar", "users", "-c", config, "--set", "recommend.output.database.table=near")
    done("similar", "users", "-c", config, "-o", tmp_path / "near.parquet")


def test_the_items_file(shop, tmp_path):
    command = ("audience", "-c", shop, "-o", tmp_path / "audience.csv")
    assert failed(2, *command)["message"] == "--items is missing"
    assert "near.csv" in failed(3, *command, "--items", tmp_path / "near.csv")["message"]
    (tmp_path / "unknown.csv").write_text("item_id\nx\ny\n", encoding="utf-8")
    unknown = failed(3, *command, "--items", tmp_path / "unknown.csv")
    assert "the model knows none of the 2 items" in unknown["message"]
    (tmp_path / "sku.csv").write_text("sku\ni03\n", encoding="utf-8")
    assert "item_id" in failed(2, *command, "--items", tmp_path / "sku.csv")["message"]
    column = ("--set", "recommend.items.allow.column=sku")
    assert done(*command, "--items", tmp_path / "sku.csv", *column)["lists"] == 1
    own = ("--items", tmp_path / "sku.csv", *column, "-o", tmp_path / "sku.csv")
    assert "is the same file as" in failed(2, "audience", "-c", shop, *own)["message"]


def test_versions_and_rollback(shop, tmp_path):
    output = ("-c", shop, "--output", tmp_path / "similar.parquet")
    done("similar", "items", *output, "-n", 3)
    first = (tmp_path / "similar.parquet").read_bytes()
    done("similar", "items", *output, "-n", 4)
    done("rollback", *output)
    assert (tmp_path / "similar.parquet").read_bytes() == first


def test_the_manifest_has_the_counts(shop, tmp_path):
    report = done("similar", "users", "-c", shop, "-o", tmp_path / "near.csv", "--minimum-items", 18)
    manifest = json.loads((tmp_path / "near.csv.manifest.json").read_text(encoding="utf-8"))
    assert manifest["counts"] == {
        "lists": report["lists"],
        "rows": report["rows"],
        **{f"shortfall_{name}": count for name, count in report["shortfall"].items()},
        "candidates": report["candidates"],
        "unknown_items": 0,
        "users_without_vector": 0,
    }
    assert manifest["metrics"] == {"of": "similar users", "top_n": 5, "minimum_support": 18}


def test_the_summaries_fit_the_terminal(shop, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    words = ("for 40 items in", "for 120 users in", "unknown to the model: 1 item of the file")
    for number, (command, expected) in enumerate(zip(commands(shop), words, strict=True)):
        option = "--minimum-items" if command[1] == "users" else "--minimum-users"
        ended = als_here(*command, "-o", tmp_path / f"{number}.csv", "-v", option, 70)
        assert ended.returncode == 0, ended.stderr
        assert expected in ended.stderr
        assert "no list: below the minimum support" in ended.stderr
        assert max(map(len, ended.stderr.splitlines())) <= 80


def test_counts_that_are_too_large(shop, tmp_path):
    for number, command in enumerate(commands(shop)):
        output = ("-o", tmp_path / f"{number}.csv")
        assert "recommend.top_n" in failed(2, *command, *output, "--top-n", 2**31)["message"]
        assert done(*command, *output, "--top-n", 2**31 - 1)["top_n"] == 2**31 - 1
        option = "--minimum-items" if command[1] == "users" else "--minimum-users"
        assert done(*command, *output, option, 10**17)["rows"] == 0


def test_pinned_ranks_of_the_lists_do_not_matter(shop, tmp_path):
    pinned = ("--set", "recommend.rules.pinned=[{positions: [5], where: price > 10}]")
    for number, command in enumerate(commands(shop)):
        assert done(*command, "-o", tmp_path / f"{number}.csv", "--top-n", 2, *pinned)["top_n"] == 2
