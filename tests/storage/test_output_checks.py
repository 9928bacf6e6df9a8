"""No command writes where it reads. The error names both paths and keys, and occurs before any work."""

import os
from pathlib import Path

import pytest

from als_cli.config.loading import load_config
from als_cli.errors import ConfigError
from als_cli.storage.output_checks import check_lists_output, check_tune_output
from tests.in_process import als_here
from tests.shop import CONFIG, write_shop


@pytest.fixture
def shop(tmp_path):
    folder = tmp_path / "shop"
    folder.mkdir()
    write_shop(folder)
    return folder


def tree(folder):
    """Return the bytes of all files below `folder`, and None for folders."""
    return {
        str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in sorted(folder.rglob("*"))
    }


def refused(shop, *command):
    """Return the error of a command that exits with code 2 and changes no file."""
    before = tree(shop.parent)
    ended = als_here(*command, cwd=shop)
    assert ended.returncode == 2, ended.stderr
    assert ended.stdout == ""
    assert tree(shop.parent) == before
    error, hint = ended.stderr.splitlines()
    assert error.startswith("error: ")
    assert hint.startswith("hint: ")
    return error


def conflict(shop, check, *settings, config="shop.yaml"):
    """Return the message of `check` on the shop's config with `settings`; the working folder is the shop."""
    before = tree(shop.parent)
    with pytest.raises(ConfigError) as caught:
        check(*loaded(*settings, config=config))
    assert tree(shop.parent) == before
    assert caught.value.hint
    return caught.value.message


def loaded(*settings, config="shop.yaml"):
    """Return the config with `settings`, and its path."""
    return load_config(Path(config), settings, environment={}), Path(config)


def test_a_run_does_not_overwrite_its_own_events(shop):
    error = refused(shop, "run", "-c", "shop.yaml", "--set", "recommend.output.path=events.csv")
    assert f"recommend.output.path {shop}/events.csv" in error
    assert f"events.source {shop}/events.csv" in error


def test_recommend_does_not_overwrite_the_events(shop):
    error = refused(shop, "recommend", "-c", "shop.yaml", "-o", "events.csv")
    assert "recommend.output.path" in error
    assert "events.source" in error


@pytest.mark.parametrize(
    ("output", "key"),
    [
        ("catalog.csv", "recommend.items.catalog"),
        ("../shop/events.csv", "events.source"),
        ("events.csv/lists", "events.source"),
        (".", "events.source"),
        ("..", "events.source"),
        ("work", "workspace"),
        ("work/lists", "workspace"),
        ("work/models/lists.csv", "workspace"),
        ("linked/lists", "workspace"),
        ("hard.csv", "events.source"),
        ("soft.csv", "events.source"),
    ],
)
def test_inputs_artifacts_and_their_folders_are_no_outputs(shop, monkeypatch, output, key):
    monkeypatch.chdir(shop)
    (shop / "work").mkdir()
    (shop / "linked").symlink_to("work")
    (shop / "soft.csv").symlink_to("events.csv")
    os.link(shop / "events.csv", shop / "hard.csv")
    message = conflict(shop, check_lists_output, f"recommend.output.path={output}")
    assert message.startswith(f"recommend.output.path {os.path.normpath(shop / output)} ")
    assert f" {key} {shop}" in message


@pytest.mark.parametrize(
    ("settings", "output", "key"),
    [
        (["recommend.users={file: users.csv}"], "users.csv", "recommend.users.file"),
        (["evaluate.split={by: file, path: users.csv}"], "users.csv", "evaluate.split.path"),
        (["evaluate.candidates={path: users.csv}"], "users.csv", "evaluate.candidates.path"),
        (["evaluate.cohorts.users={path: users.csv, by: [x]}"], "users.csv", "evaluate.cohorts.users.path"),
        (["evaluate.cohorts.items={path: users.csv, by: [x]}"], "users.csv", "evaluate.cohorts.items.path"),
        (["events.source=[events.csv, {path: users.csv}]"], "users.csv", "events.source[1]"),
        # The shortfall and the manifest are written too.
        (["recommend.users={file: lists.csv.shortfall.parquet}"], "lists.csv", "recommend.users.file"),
        # The glob would read the lists as events in the next run.
        (["events.source=ev*.csv"], "events.csv", "events.source"),
        (["events.source=ev*.csv"], "evening.csv", "events.source"),
        (["events.source=e*.parquet"], "evening.csv", "events.source"),
        (["events.source=l*/*.parquet"], "lists", "events.source"),
        (["events.source=l*.parquet"], "lists", "events.source"),  # the shortfall
        (["events.source=daily/**/*.csv"], "daily/lists", "events.source"),
        (["events.source=daily/*.csv"], "daily", "events.source"),
    ],
)
def test_no_input_is_overwritten(shop, monkeypatch, settings, output, key):
    monkeypatch.chdir(shop)
    (shop / "users.csv").write_text("user_id\nu001\n", encoding="utf-8")
    message = conflict(shop, check_lists_output, *settings, f"recommend.output.path={output}")
    assert f" {key} {shop}" in message


def test_the_config_file_is_not_overwritten(shop):
    (shop / "shop.csv").write_text(CONFIG, encoding="utf-8")
    error = refused(shop, "recommend", "-c", "shop.csv", "-o", "shop.csv")
    assert f"--config {shop}/shop.csv" in error


def test_tune_does_not_overwrite_its_own_config(shop):
    error = refused(shop, "tune", "-c", "shop.yaml", "-o", "shop.yaml")
    assert f"tune.output {shop}/shop.yaml is the same file as --config {shop}/shop.yaml" in error


@pytest.mark.parametrize(
    ("output", "key"),
    [
        ("events.csv", "events.source"),
        ("catalog.csv", "recommend.items.catalog"),
        ("hard.csv", "events.source"),
        ("work/models/manifest.json", "workspace"),
        ("work/tune/study.sqlite3", "workspace"),
        ("work/.lock", "workspace"),
    ],
)
def test_tune_overwrites_no_input_and_no_artifact(shop, monkeypatch, output, key):
    monkeypatch.chdir(shop)
    os.link(shop / "events.csv", shop / "hard.csv")
    message = conflict(shop, check_tune_output, f"tune.output={output}")
    assert message.startswith(f"tune.output {shop}/{output} ")
    assert f" {key} {shop}" in message


@pytest.mark.parametrize("output", ["best.yaml", "work/tune/best.yaml", "work/best.yaml"])
def test_tune_may_write_to_other_paths(shop, monkeypatch, output):
    monkeypatch.chdir(shop)
    check_tune_output(*loaded(f"tune.output={output}"))


@pytest.mark.parametrize("name", ["events.csv", "shop.yaml"])
def test_log_lines_are_not_appended_to_an_input(shop, name):
    error = refused(shop, "ingest", "-c", "shop.yaml", "--log-file", name)
    assert f"--log-file {shop}/{name}" in error


def test_files_that_als_did_not_write_are_not_replaced(shop):
    (shop / "mine.csv").write_text("mine", encoding="utf-8")
    error = refused(shop, "run", "-c", "shop.yaml", "--set", "recommend.output.path=mine.csv")
    assert f"{shop}/mine.csv was not written by als" in error


def test_an_unknown_suffix_is_an_error_before_any_work(shop):
    assert "lists.json ends in .json" in refused(
        shop, "run", "-c", "shop.yaml", "--set", "recommend.output.path=lists.json"
    )


@pytest.mark.parametrize(
    ("settings", "output"),
    [
        ([], "lists.csv"),
        ([], "out/lists"),
        ([], "work.csv"),
        ([], "workspace/lists"),
        (["events.source=e*.csv"], "lists.csv"),
        (["events.source=event[s].csv"], "out/lists"),
        ([], "-"),
    ],
)
def test_a_separate_path_is_accepted(shop, monkeypatch, settings, output):
    monkeypatch.chdir(shop)
    check_lists_output(*loaded(*settings, f"recommend.output.path={output}"))


def test_a_glob_in_a_folder_with_brackets_in_its_name_would_read_the_lists(shop):
    folder = shop / "d [2025]"
    folder.mkdir()
    (folder / "a.csv").write_bytes((shop / "events.csv").read_bytes())
    settings = (f"events.source={folder}/*.csv", f"recommend.output.path={folder}/lists.csv")
    config = load_config(shop / "shop.yaml", settings, environment={})
    with pytest.raises(ConfigError, match=r"lists\.csv would be read as input by events\.source"):
        check_lists_output(config, shop / "shop.yaml")
    settings = (settings[0], f"recommend.output.path={shop}/d 2/lists.csv")
    check_lists_output(load_config(shop / "shop.yaml", settings, environment={}), shop / "shop.yaml")
