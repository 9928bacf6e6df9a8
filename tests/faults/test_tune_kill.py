"""A search that kill -9 or Ctrl-C interrupts keeps all finished trials."""

import json
import shutil
import signal
import subprocess
import sys

import pytest

from als_cli.config.loading import load_config
from tests.in_process import als_here
from tests.shop import CONFIG, als, write_shop

TUNED = (
    CONFIG + "tune: {folds: 2, metric: ndcg@5, space: {factors: [4, 8], iterations: [2, 6]}, "
    "screen: {trials: 8, users: 20}}\n"
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tuned")
    config = write_shop(folder, TUNED)
    assert als_here("ingest", "-c", config).returncode == 0
    return folder


def report_of(shop, *arguments):
    ended = als_here("tune", "-c", shop / "shop.yaml", "--json", *arguments)
    assert (ended.returncode, ended.stderr) == (0, "")
    return json.loads(ended.stdout)


def trials_of(report):
    trials = (*report["screen"]["trials"], *report["trials"])
    return [(t["state"], t["value"], t["parameters"]) for t in trials]


@pytest.mark.parametrize(
    ("number", "code", "seen"),
    [
        (signal.SIGINT, 130, "tuning trial 6:"),
        (signal.SIGKILL, -9, "screening trial 4:"),
    ],
)
def test_an_interrupted_search_continues_to_the_same_result(shop, number, code, seen):
    own = f"{int(number)}{len(seen)}"
    seed = f"tune.seed={own}"  # each seed has a separate study
    command = [sys.executable, "-m", "als_cli", "tune", "-c", str(shop / "shop.yaml"), "-v"]
    process = subprocess.Popen(
        [*command, "--trials", "100000", "--set", seed], stderr=subprocess.PIPE, text=True
    )
    finished = 0
    for line in process.stderr:
        finished += line.startswith("tuning trial ")
        if line.startswith(seen):
            process.send_signal(number)
            break
    said = process.communicate(timeout=60)[1]
    assert process.returncode == code
    assert "Traceback" not in said
    finished += sum(line.startswith("tuning trial ") for line in said.splitlines())
    resumed = report_of(shop, "--trials", finished + 5, "--set", seed)
    # A trial can be stored before its log line is written.
    assert resumed["new_trials"] in (4, 5)
    afresh = report_of(
        shop, "--trials", finished + 5, "--set", seed, "--set", f"workspace={copy_of(shop, own)}"
    )
    assert trials_of(resumed) == trials_of(afresh)


def copy_of(shop, name):
    """Return a new workspace with the same dataset."""
    workspace = shop / f"work-{name}"
    workspace.mkdir()
    shutil.copytree(shop / "work/.dataset.versions", workspace / ".dataset.versions")
    (workspace / "dataset").symlink_to((shop / "work/dataset").readlink())
    return workspace


def test_the_best_config_trains_from_any_folder(shop, tmp_path):
    best = tmp_path / "best.yaml"
    report = report_of(shop, "--trials", 8, "--output", best)
    assert report["config"] == str(best)
    assert report["best"]["value"] >= report["untuned"]["value"]
    assert load_config(best, environment={}).workspace == str(shop / "work")
    ended = als_here("train", "-c", best, "--json", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["factors"] == report["best"]["parameters"]["factors"]


def test_a_search_without_a_terminal_is_silent_and_failures_have_exit_codes(shop):
    ended = als("tune", "-c", shop / "shop.yaml", "--trials", 2)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    for arguments, code in (
        (["--trials", "0"], 2),
        (["--set", "tune.metric=gini@10"], 2),
        (["--set", "evaluate.split={by: time, test: 29d}"], 3),
        (["--no-ingest", "--set", f"workspace={shop / 'empty'}"], 4),
        (["--output", shop, "--trials", "2"], 7),
    ):
        ended = als_here("tune", "-c", shop / "shop.yaml", *arguments)
        assert (ended.returncode, ended.stdout) == (code, ""), ended.stderr
        assert "Traceback" not in ended.stderr
