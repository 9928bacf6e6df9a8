"""The quickstart, the guides and the concepts: all their blocks run in order, and print what the pages show."""

import contextlib
import os
import shutil
import sys
import tempfile
import types
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest
import yaml
from jinja2 import Template

from tests.docs_pages import LATER, PAGES, ROOT, Block, Reader, blocks_of, difference

NOT_RUN = 6
"""The maximum number of blocks that need a program which tests cannot have."""
RUNNING = ("bash", "sh", "python")


OWN_TESTS = ("docs/guides/postgresql.md", "docs/guides/dbt-duckdb.md")
"""Guides that need more than a reader."""


@pytest.fixture
def reader():
    """Yield a reader in a folder with the configs and the sample data. Its path is short, so that no line is folded."""
    with tempfile.TemporaryDirectory(prefix="als-", dir="/tmp") as folder:
        for name in ("configs", "sample_data"):
            shutil.copytree(ROOT / name, Path(folder) / name)
        yield Reader(Path(folder))


def read(reader: Reader, page: str) -> list[Block]:
    """Run all blocks of `page`, compare their output, and return the blocks."""
    blocks = blocks_of(page)
    for block in blocks:
        real = reader.run(block)
        if block.output is not None and block.reason is None and real is not None:
            assert (text := difference(block.output, real)) is None, f"{page}:\n{block.text}\n{text}"
    return blocks


@pytest.mark.parametrize("page", [page for page in PAGES if page not in (*LATER, *OWN_TESTS)])
def test_the_blocks_of_a_page_run(page, reader):
    assert read(reader, page)


def test_the_guide_to_postgresql(reader, postgres, schema, monkeypatch):
    monkeypatch.setenv("LISTS_DATABASE", f"{postgres.uri()}&options=-csearch_path%3D{schema}")
    reader.programs = (postgres.programs,)
    read(reader, "docs/guides/postgresql.md")
    assert postgres.read(f"select count(*) as n from {schema}.recommendations").item() > 10_000


@pytest.fixture
def dag(reader, monkeypatch):
    """Return the tasks of the DAG in the guide to Airflow, by name, loaded with stand-ins for the two modules of Airflow."""
    for block in blocks_of("docs/guides/airflow.md"):
        if block.file is not None:
            reader.run(block)
    tasks = {}
    sdk, exceptions = types.ModuleType("airflow.sdk"), types.ModuleType("airflow.sdk.exceptions")
    sdk.dag = lambda **arguments: tasks.update({"arguments": arguments}) or (lambda function: function)
    sdk.task = lambda function: tasks.update({function.__name__: function}) or (lambda: None)
    exceptions.AirflowFailException = type("AirflowFailException", (Exception,), {})
    for module in (types.ModuleType("airflow"), sdk, exceptions):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    names = {"__name__": "dag"}
    exec(compile((reader.folder / "dags/shop_recommendations.py").read_text(), "dag", "exec"), names)
    return types.SimpleNamespace(names=names, tasks=tasks, failed=exceptions.AirflowFailException)


def test_the_dag_maps_the_exit_codes_to_task_states(dag, monkeypatch):
    commands = []

    def run(command, cwd, check):
        commands.append(command)
        return types.SimpleNamespace(returncode=code)

    monkeypatch.setattr(dag.names["subprocess"], "run", run)
    for code in (0, 1, 2, 3, 4, 5, 6, 7, 143):
        if code == 0:
            dag.tasks["run_als"](datetime(2026, 3, 1, 4, tzinfo=UTC))
            continue
        with pytest.raises(dag.failed if code <= 5 else RuntimeError):
            dag.tasks["run_als"]()
    assert commands[0][-2:] == ["--as-of", "2026-03-01T04:00:00+00:00"]
    assert "--as-of" not in commands[1]
    assert dag.tasks["arguments"]["default_args"]["retries"] == 3


def test_the_dag_runs_the_job(dag, reader, monkeypatch):
    shutil.copy(reader.folder / "configs" / "quickstart.yaml", reader.folder / "configs" / "shop.yaml")
    dag.names["FOLDER"] = reader.folder / "configs"
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    dag.tasks["run_als"](datetime(2025, 3, 20, 4, tzinfo=UTC))
    lists = pl.read_parquet(reader.folder / "out" / "quickstart" / "recommendations.parquet")
    assert lists["user_id"].n_unique() > 2000


def test_the_models_of_dbt_run_in_duckdb(reader):
    """The sources are replaced as dbt-duckdb does it: by the location of the source, with the name of the table."""
    files = {block.file: block.text for block in read(reader, "docs/guides/dbt-duckdb.md") if block.file}
    located = {
        (source["name"], table["name"]): source["config"]["external_location"].format(name=table["name"])
        for source in yaml.safe_load(files["models/sources.yml"])["sources"]
        for table in source["tables"]
    }
    settings = {}
    with contextlib.chdir(reader.folder):
        rendered = {
            name: Template(files[f"models/{name}.sql"]).render(
                source=lambda *names: f"'{located[names]}'",
                config=lambda **given: settings.update(given) or "",
            )
            for name in ("mail_queue", "events")
        }
        mails = duckdb.sql(rendered["mail_queue"]).pl()
        bought = duckdb.sql(rendered["events"]).pl()
    assert mails.height == 2999
    assert mails["titles"].list.len().unique().to_list() == [3]
    assert set(bought["event"]) == {"cart", "purchase"}
    assert settings == {"materialized": "external", "location": "out/events.parquet"}


def test_few_blocks_are_not_run():
    skipped = {
        (page, block.text.strip().splitlines()[0]): block.reason
        for page in PAGES
        for block in blocks_of(page)
        if block.reason is not None and block.language in RUNNING
    }
    assert len(skipped) <= NOT_RUN, skipped


def test_every_guide_has_commands_and_output():
    for page in PAGES:
        if page.startswith("docs/guides/") and page not in LATER:
            blocks = blocks_of(page)
            assert any(block.language in RUNNING and block.reason is None for block in blocks), page
            assert any(block.output is not None for block in blocks), page


@pytest.mark.parametrize(
    ("shown", "real", "same"),
    [
        ("wrote 100 slots in 0.5 s\n", "wrote 102 slots in 12.0 s\n", True),
        ("wrote 100 slots in 0.5 s\n", "wrote 120 slots in 0.5 s\n", False),
        ("first\n…\nlast\n", "first\nsecond\n\nthird\nlast\n", True),
        ("first\n…\nlast\n", "first\nsecond\n", False),
        ("lists: …/out/lists (parquet)\n", "lists: /tmp/1/out/lists (parquet)\n", True),
        ("als  0.2187*\n", "als       0.2188*\n", True),
        ("BOO-1133  0.17\n", "BOO-1134  0.17\n", False),
        ("", "something\n", False),
    ],
)
def test_the_comparison_of_output(shown, real, same):
    assert (difference(shown, real) is None) == same


@pytest.mark.parametrize(
    ("text", "file"),
    [("# shop.yaml\na: 1\n", "shop.yaml"), ("-- m/a.sql\nselect 1\n", "m/a.sql"), ("# a\n", None)],
)
def test_the_file_of_a_block(text, file):
    assert Block("yaml", text, None, None).file == file
