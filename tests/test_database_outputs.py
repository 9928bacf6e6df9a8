"""The commands with lists in a database: runs, versions, rollbacks, locks, messages without passwords."""

import json

import polars as pl
import pytest

from tests.contract.list_outputs import read_duckdb, read_sqlite
from tests.in_process import als_here, done, failed
from tests.shop import CONFIG, write_shop


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return the config of a shop with a model."""
    folder = tmp_path_factory.mktemp("shop")
    config = write_shop(folder, CONFIG.replace("  output: {path: lists}\n", ""))
    done("run", "-c", config, "--set", f"recommend.output.path={folder / 'first'}")
    return config


def statuses(*arguments):
    return [stage["status"] for stage in done("run", *arguments)["stages"]]


class Shop:
    """The shop with a database."""

    def __init__(self, config, uri, table, read):
        self.options = ("-c", config, "--set", f"recommend.output.database={{uri: '{uri}', table: {table}}}")
        self.read = read

    def lists(self):
        return self.read("lists").sort("user_id", "rank")


@pytest.fixture(params=["postgres", "duckdb", "sqlite"])
def shop(request, trained, tmp_path):
    if request.param == "postgres":
        server, schema = request.getfixturevalue("postgres"), request.getfixturevalue("schema")
        return Shop(
            trained,
            server.uri(),
            f"{schema}.lists",
            lambda view: server.read(f"select * from {schema}.{view}"),
        )
    file, read = tmp_path / "shop.db", {"duckdb": read_duckdb, "sqlite": read_sqlite}[request.param]
    return Shop(trained, f"{request.param}:{file}", "lists", lambda view: read(file, f"select * from {view}"))


def test_runs_versions_and_rollbacks(shop):
    assert statuses(*shop.options) == ["up_to_date"] * 3 + ["done"]
    first = shop.lists()
    assert first.height > 100
    assert statuses(*shop.options) == ["up_to_date"] * 4
    shorter = (*shop.options, "--set", "recommend.top_n=2")
    assert statuses(*shorter) == ["up_to_date"] * 3 + ["done"]
    assert shop.lists()["rank"].max() == 2
    found = [one for one in done("versions", *shop.options)["versions"] if one["of"] == "lists"]
    assert [one["published"] for one in found] == [True, False]
    report = done("rollback", *shop.options)
    assert (report["left"], report["version"]) == (found[0]["version"], found[1]["version"])
    assert shop.lists().equals(first)
    assert statuses(*shorter) == ["up_to_date"] * 3 + ["rolled_back"]
    assert statuses(*shop.options) == ["up_to_date"] * 4
    assert shop.lists().equals(first)
    assert shop.read("lists_shortfall").columns == ["user_id", "rows", "wanted", "reason"]


def test_the_lists_are_those_of_a_file(shop, trained, tmp_path):
    done("recommend", *shop.options)
    done("recommend", "-c", trained, "--output", tmp_path / "lists.parquet")
    expected = pl.read_parquet(tmp_path / "lists.parquet").sort("user_id", "rank")
    assert shop.lists().cast(dict(expected.schema)).equals(expected)


def test_output_writes_a_file_instead(shop, tmp_path):
    done("recommend", *shop.options, "--output", tmp_path / "lists.csv")
    assert pl.read_csv(tmp_path / "lists.csv").height > 100
    assert [one for one in done("versions", *shop.options)["versions"] if one["of"] == "lists"] == []


def test_runs_and_rollbacks_of_a_delta_table(trained, tmp_path):
    path = tmp_path / "lists"
    options = (
        "-c",
        trained,
        "--set",
        f"recommend.output.path={path}",
        "--set",
        "recommend.output.format=delta",
    )
    assert statuses(*options)[-1] == "done"
    first = pl.read_delta(str(path))
    assert statuses(*options)[-1] == "up_to_date"
    shorter = (*options, "--set", "recommend.top_n=2")
    assert statuses(*shorter)[-1] == "done"
    done("recommend", *shorter)
    assert len([one for one in done("versions", *options)["versions"] if one["of"] == "lists"]) == 2
    report = done("rollback", *options)
    assert (report["left"], report["version"]) == ("1", "0")
    assert statuses(*shorter)[-1] == "rolled_back"
    assert statuses(*options)[-1] == "up_to_date"
    assert pl.read_delta(str(path)).sort("user_id", "rank").equals(first.sort("user_id", "rank"))


def test_a_database_that_is_away_ends_a_run_before_any_work(trained, tmp_path):
    away = ("--set", f"recommend.output.database={{uri: 'postgresql://als@/shop?host={tmp_path}'}}")
    error = failed(7, "run", "-c", trained, "--force", *away)
    assert "No such file or directory" in error["message"]
    assert error["message"].startswith("postgresql://")


def test_a_database_that_is_away_does_not_stop_the_rollback_of_a_model(trained, tmp_path):
    away = ("--set", f"recommend.output.database={{uri: 'postgresql://als@/shop?host={tmp_path}'}}")
    done("train", "-c", trained)
    report = done("rollback", "-c", trained, *away, "--of", "model")
    done("rollback", "-c", trained, *away, report["left"])


def test_passwords_are_in_no_message_report_or_manifest(trained, tmp_path, postgres, schema, monkeypatch):
    secret = "correct-horse%battery"
    monkeypatch.setenv("SHOP_PASSWORD", secret)
    uri = (
        postgres.uri()
        .replace("postgresql:///", "postgresql://owner:${SHOP_PASSWORD}@/")
        .replace("&user=owner", "")
    )
    log = tmp_path / "log"
    setting = ("--set", f"recommend.output.database={{uri: '{uri}', table: {schema}.lists}}")
    good = als_here("recommend", "-c", trained, *setting, "--json", "-v", "--log-file", log)
    assert good.returncode == 0, good.stderr
    bad = als_here(
        "recommend",
        "-c",
        trained,
        "--set",
        setting[1].replace("/postgres?", "/nowhere?"),
        "-v",
        "--log-file",
        log,
    )
    assert bad.returncode == 2
    manifest = postgres.read(f"select manifest from {schema}.als_versions")["manifest"][0]
    assert json.loads(manifest)["config"]["recommend"]["output"]["database"]["uri"] == uri
    assert '"rows"' in good.stdout
    assert "does not exist" in bad.stderr
    assert "does not exist" in log.read_text()
    for text in (good.stdout, good.stderr, bad.stderr, log.read_text(), manifest):
        assert "correct-horse" not in text


def test_a_run_that_uses_the_same_view(shop):
    from als_cli.config.loading import load_config
    from als_cli.storage.run_locks import run_locks

    config = load_config(shop.options[1], shop.options[3:4], environment={})
    with run_locks("recommend", config):
        error = failed(6, "recommend", *shop.options)
    assert "another run is using" in error["message"]
    assert "lists (process " in error["message"]
    done("recommend", *shop.options)
