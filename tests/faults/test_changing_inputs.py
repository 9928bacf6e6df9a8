"""Files that change while commands read them, and pipes, which can be read only once.

A command waits while it reads a pipe. At this time it has found the earlier files, and the test changes them.
"""

import errno
import hashlib
import json
import os
import shutil
import threading
import time
from contextlib import contextmanager

import polars as pl
import pytest

from als_cli.errors import ExitCode
from tests.in_process import als_here
from tests.shop import write_shop

USERS = "user_id\nu000\nu001\nu002\n"
SMALL = {"train.factors": 4, "train.iterations": 2, "evaluate.baselines": ["popular"]}


def flags(**settings):
    both = SMALL | {key.replace("__", "."): value for key, value in settings.items()}
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in both.items()}
    return [part for key, text in texts.items() for part in ("--set", f"{key}={text}")]


@contextmanager
def pipe_with(path, content, before=lambda: None):
    """Make a named pipe. When a reader opens the pipe, call `before` and write `content`, once."""
    os.mkfifo(path)
    stop = threading.Event()
    failures = []

    def serve():
        try:
            handle = opened_when_read(path, stop)
            if handle is not None:
                before()
                with os.fdopen(handle, "wb") as writer:
                    writer.write(content)
        except OSError as failure:
            failures.append(failure)

    server = threading.Thread(target=serve)
    server.start()
    try:
        yield
    finally:
        stop.set()
        server.join()
    assert not failures


@contextmanager
def as_stdin(stream):
    """Give this process `stream` as its descriptor 0, which `/dev/stdin` names."""
    kept = os.dup(0)
    os.dup2(stream.fileno(), 0)
    try:
        yield
    finally:
        os.dup2(kept, 0)
        os.close(kept)


@contextmanager
def piped(content):
    """Give this process a pipe with `content` as its descriptor 0."""
    reader, writer = os.pipe()
    with os.fdopen(reader) as stream, as_stdin(stream):
        with os.fdopen(writer, "wb") as end:
            end.write(content)  # a pipe has room for it
        yield


def opened_when_read(path, stop):
    while not stop.is_set():
        try:
            handle = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as refused:
            if refused.errno != errno.ENXIO:
                raise
            time.sleep(0.01)
        else:
            os.set_blocking(handle, True)
            return handle
    return None


def published(folder):
    """Return the hash of every file in the workspace and in the folder of lists."""
    files = [path for place in ("work", "lists") for path in (folder / place).rglob("*")]
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.is_file() and path.name != ".lock"
    }


@pytest.fixture(scope="module")
def finished_shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    ended = als_here("run", "-c", write_shop(folder), *flags())
    assert ended.returncode == 0, ended.stderr
    return folder


@pytest.fixture
def shop(finished_shop, tmp_path):
    """Return the config of a shop after one `als run`."""
    shutil.copytree(finished_shop, tmp_path, symlinks=True, dirs_exist_ok=True)
    return tmp_path / "shop.yaml"


def replaced(path, content):
    beside = path.with_name(path.name + ".new")
    beside.write_text(content, encoding="utf-8")
    beside.replace(path)


def rewritten_in_place(path, content):
    path.write_text(content, encoding="utf-8")


def assert_changed(ended, path, before, folder):
    assert ended.returncode == ExitCode.DATA
    assert f"{path} changed while it was read" in ended.stderr
    assert "run the command again" in ended.stderr
    assert published(folder) == before


@pytest.mark.parametrize("change", [replaced, rewritten_in_place])
def test_events_that_change_while_they_are_read(shop, change):
    folder = shop.parent
    events, more = folder / "events.csv", folder / "more"
    text = events.read_text()
    before = published(folder)
    settings = flags(events__source=[str(events), {"path": str(more), "format": "csv"}])
    with pipe_with(more, text.encode(), before=lambda: change(events, text.replace("purchase", "view"))):
        ended = als_here("ingest", "-c", shop, *settings)

    assert_changed(ended, events, before, folder)
    again = als_here("run", "-c", shop, *flags(), "--json")
    assert [stage["status"] for stage in json.loads(again.stdout)["stages"]] == ["done"] * 4
    assert (
        json.loads(again.stdout)["stages"][0]["report"]["types"][0]["rows"] == 3000
    )  # all events are views now


def test_events_that_shrink_while_they_are_read_are_reported_as_changed(shop):
    folder = shop.parent
    events, more = folder / "events.csv", folder / "more"
    text = events.read_text()
    before = published(folder)
    settings = flags(events__source=[str(events), {"path": str(more), "format": "csv"}])
    with pipe_with(more, text.encode(), before=lambda: replaced(events, 'user_id,item_id,ts,event\n"u')):
        ended = als_here("ingest", "-c", shop, *settings)

    assert_changed(ended, events, before, folder)


def test_a_users_file_that_changes_while_the_catalogue_is_read(shop):
    folder = shop.parent
    users, catalog = folder / "users.csv", folder / "catalog-pipe"
    users.write_text(USERS, encoding="utf-8")
    before = published(folder)
    content = (folder / "catalog.csv").read_bytes()
    settings = flags(recommend__users__file=str(users), recommend__items__catalog=str(catalog))
    with pipe_with(catalog, content, before=lambda: replaced(users, USERS)):
        ended = als_here("recommend", "-c", shop, *settings)

    assert_changed(ended, users, before, folder)


def test_a_test_file_that_changes_while_the_candidates_are_read(shop):
    folder = shop.parent
    test, candidates = folder / "test.csv", folder / "candidates-pipe"
    pairs = "user_id,item_id\n" + "".join(f"u{n:03d},i{n % 40:02d}\n" for n in range(100))
    test.write_text(pairs, encoding="utf-8")
    before = published(folder)
    settings = flags(
        evaluate__split={"by": "file", "path": str(test)},
        evaluate__candidates={"path": str(candidates)},
        evaluate__exclude_seen=False,
    )
    with pipe_with(candidates, pairs.encode(), before=lambda: replaced(test, pairs + "u101,i01\n")):
        ended = als_here("evaluate", "-c", shop, *settings)

    assert_changed(ended, test, before, folder)


def test_a_pipe_as_users_file_is_read_once_and_never_up_to_date(shop):
    folder = shop.parent
    users, lists = folder / "users-pipe", folder / "lists"
    settings = flags(recommend__users__file=str(users))
    for _ in range(2):
        with pipe_with(users, USERS.encode()):
            ended = als_here("run", "-c", shop, *settings, "--json")
        assert ended.returncode == 0, ended.stderr
        stages = {stage["stage"]: stage["status"] for stage in json.loads(ended.stdout)["stages"]}
        assert stages == {
            "ingest": "up_to_date",
            "evaluate": "up_to_date",
            "train": "up_to_date",
            "recommend": "done",
        }
        assert pl.read_parquet(lists / "part-*.parquet")["user_id"].n_unique() == 3
        recorded = json.loads((folder / "lists.manifest.json").read_text())["inputs"][0]
        assert recorded["sha256"] == hashlib.sha256(USERS.encode()).hexdigest()
        assert recorded["bytes"] == len(USERS)
        users.unlink()


@pytest.mark.parametrize("place", ["/dev/stdin", "/dev/fd/0"])
def test_dev_stdin_can_be_the_users_file(shop, place):
    for _ in range(2):
        with piped(USERS.encode()):
            settings = flags(recommend__users={"file": place, "format": "csv"})
            ended = als_here("run", "-c", shop, *settings, "--json")
        assert ended.returncode == 0, ended.stderr
        report = json.loads(ended.stdout)["stages"][-1]
        assert (report["status"], report["report"]["users"]) == ("done", 3)


def test_a_file_given_as_stdin_is_up_to_date_by_its_content(shop):
    users = shop.parent / "users.csv"
    users.write_text(USERS, encoding="utf-8")
    statuses = []
    for _ in range(2):
        with users.open("rb") as stream, as_stdin(stream):
            settings = flags(recommend__users={"file": "/dev/stdin", "format": "csv"})
            ended = als_here("run", "-c", shop, *settings, "--json")
        assert ended.returncode == 0, ended.stderr
        statuses.append(json.loads(ended.stdout)["stages"][-1]["status"])

    assert statuses == ["done", "up_to_date"]


def test_a_catalogue_from_process_substitution_is_read_once(shop):
    settings = flags(recommend__items={"catalog": "/dev/stdin", "format": "csv", "where": "price > 0"})
    for _ in range(2):
        with piped((shop.parent / "catalog.csv").read_bytes()):
            ended = als_here("run", "-c", shop, *settings, "--json")
        assert ended.returncode == 0, ended.stderr
        report = json.loads(ended.stdout)["stages"][-1]
        assert (report["status"], report["report"]["candidates"]) == ("done", 39)


@pytest.mark.parametrize("table", ["candidates", "cohorts"])
def test_pipes_of_an_evaluation_are_read_once(shop, table):
    pipe = shop.parent / "pipe"
    pairs = "user_id,item_id\n" + "".join(f"u{n:03d},i{m:02d}\n" for n in range(120) for m in range(40))
    cohorts = "user_id,group\n" + "".join(f"u{n:03d},{'odd' if n % 2 else 'even'}\n" for n in range(120))
    settings, content = {
        "candidates": ({"evaluate__candidates": {"path": str(pipe), "format": "csv"}}, pairs),
        "cohorts": (
            {"evaluate__cohorts__users": {"path": str(pipe), "by": ["group"], "format": "csv"}},
            cohorts,
        ),
    }[table]
    for _ in range(2):
        with pipe_with(pipe, content.encode()):
            ended = als_here("run", "-c", shop, *flags(**settings), "--json")
        assert ended.returncode == 0, ended.stderr
        stage = json.loads(ended.stdout)["stages"][1]
        assert (stage["stage"], stage["status"]) == ("evaluate", "done")
        pipe.unlink()


def test_a_pipe_among_the_events_of_a_glob_is_read_once(shop):
    folder = shop.parent
    daily = folder / "daily"
    daily.mkdir()
    text = (folder / "events.csv").read_text()
    (daily / "day1.csv").write_text(text, encoding="utf-8")
    for _ in range(2):
        with pipe_with(daily / "day2.csv", text.encode()):
            ended = als_here("run", "-c", shop, *flags(events__source=str(daily / "*.csv")), "--json")
        assert ended.returncode == 0, ended.stderr
        stage = json.loads(ended.stdout)["stages"][0]
        assert (stage["status"], stage["report"]["rows"]) == ("done", 6000)
        (daily / "day2.csv").unlink()
