"""Runs at the same time: two runs never mix their lists, readers need no lock, and signals end a run that waits."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from als_cli.storage.lock import output_lock, workspace_lock
from tests.faults.races import SCENARIOS, WAITING, Races
from tests.in_process import als_here
from tests.shop import write_shop

ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}


@pytest.fixture(scope="module")
def races(tmp_path_factory):
    races = Races(tmp_path_factory.mktemp("races"))
    yield races
    races.close()


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    write_shop(folder)
    ended = als_here("run", "-c", folder / "shop.yaml")
    assert ended.returncode == 0, ended.stderr
    return folder


def started(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "als_cli", *map(str, arguments)], stderr=subprocess.PIPE, text=True, env=ENVIRONMENT, **options
    )  # fmt: skip


def unfolded(text):
    return " ".join(text.split())


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_of_two_runs_at_once_one_publishes_and_the_other_fails_or_publishes_before_or_after(races, scenario):
    for _ in range(5):
        races.race(scenario)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_runs_that_wait_both_publish(races, scenario):
    for _ in range(2):
        assert races.race(scenario, WAITING) == (0, 0)


def test_recommend_and_show_read_the_published_versions_during_an_ingest(shop):
    pipe = shop / "events.pipe"
    os.mkfifo(pipe)
    config = ("-c", shop / "shop.yaml")
    source = ("--set", f"events.source={pipe}", "--set", "events.format=csv")
    ingest = started("ingest", *config, *source)
    with pipe.open("wb") as stream:  # opens when the ingest has opened it too
        stream.write(b"user_id,item_id,ts,event\n")
        stream.flush()
        refused = als_here("train", *config)
        assert refused.returncode == 6
        assert f"process {ingest.pid} on " in refused.stderr
        assert f" UTC: als ingest -c {shop}/shop.yaml --set" in unfolded(refused.stderr)
        assert als_here("recommend", *config).returncode == 0
        assert als_here("show", "user", "u001", *config).returncode == 0
        assert ingest.poll() is None
        stream.write((shop / "events.csv").read_bytes().split(b"\n", 1)[1])
    said = ingest.communicate(timeout=60)[1]
    assert ingest.returncode == 0, said


@pytest.mark.parametrize(
    ("sent", "code", "said"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
@pytest.mark.parametrize("command", ["train", "recommend"])
def test_a_signal_ends_a_run_that_waits(shop, command, sent, code, said):
    with workspace_lock(shop / "work"), output_lock(shop / "lists"):
        waiting = started(command, "-c", shop / "shop.yaml", "--wait", "10m", "-v")
        assert waiting.stderr.readline().startswith("waiting: another run is using")
        begin = time.monotonic()
        waiting.send_signal(sent)
        rest = waiting.communicate(timeout=60)[1]
        assert waiting.returncode == code
        assert rest.startswith(said)
        assert time.monotonic() - begin < 10


def test_a_run_that_does_not_wait_names_the_holder_of_the_output(shop):
    with output_lock(shop / "lists"):
        ended = als_here("recommend", "-c", shop / "shop.yaml")
    assert ended.returncode == 6
    error, hint = ended.stderr.splitlines()[:2]
    assert error.startswith(
        f"error: another run is using {shop}/lists (process {os.getpid()} on {os.uname().nodename}"
    )
    assert "--wait 10m" in hint


@pytest.mark.parametrize("wrong", ["10", "soon", "-5m", "1y", ""])
def test_a_wrong_duration_exits_with_code_2(shop, wrong):
    ended = als_here("train", "-c", shop / "shop.yaml", "--wait", wrong)
    assert ended.returncode == 2
    assert "--wait: expected a duration such as 30s, 10m or 2h" in ended.stderr


@pytest.mark.parametrize("zero", ["0s", "0m", "0.0h"])
def test_zero_does_not_wait(shop, zero):
    with workspace_lock(shop / "work"):
        assert als_here("train", "-c", shop / "shop.yaml", "--wait", zero).returncode == 6


def test_commands_that_only_read_have_no_option_wait():
    assert "--wait" in als_here("train", "--help").stdout
    assert "--wait" not in als_here("show", "model", "--help").stdout
