"""With --json, a failure is one JSON object on stdout; the message for people stays on stderr."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.in_process import als_here
from tests.shop import write_shop, write_slow_shop

ROOT = Path(__file__).parents[2]
KINDS = {1: "bug", 2: "usage", 3: "data", 4: "artifact", 5: "gate", 6: "locked", 7: "resource", 130: "interrupted", 143: "terminated"}  # fmt: skip


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    write_shop(folder)
    ended = als_here("ingest", "-c", folder / "shop.yaml")
    assert ended.returncode == 0, ended.stderr
    return folder


@pytest.fixture(scope="module")
def slow_shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slow")
    write_slow_shop(folder)
    ended = als_here("ingest", "-c", folder / "shop.yaml")
    assert ended.returncode == 0, ended.stderr
    return folder


def error_of(ended, code):
    """Return the error on stdout, after checking what holds for all of them."""
    assert ended.returncode == code, ended.stderr
    document = json.loads(ended.stdout)
    assert list(document) == ["error"]
    error = document["error"]
    assert list(error) == ["kind", "exit_code", "message", "hint", "problems"]
    assert (error["kind"], error["exit_code"]) == (KINDS[code], code)
    assert error["message"]
    return error


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["train"], 2),
        (["train", "--log-format"], 2),
        (["train", "-c", "shop.yaml", "--thread", "2"], 2),
        (["train", "-c", "shop.yaml", "--threads", "0"], 2),
        (["train", "-c", "shop.yaml", "--threads", "two"], 2),
        (["train", "-c", "shop.yaml", "--log-format", "xml"], 2),
        (["train", "-c", "shop.yaml", "extra"], 2),
        (["trian", "-c", "shop.yaml"], 2),
        (["show", "uesr", "-c", "shop.yaml"], 2),
        (["show", "user", "-c", "shop.yaml"], 2),
        (["show", "user", "-x", "-c", "shop.yaml"], 2),
        (["recommend", "-c", "shop.yaml", "--top-n", "0"], 2),
        (["tune", "-c", "shop.yaml", "--trials", "-1"], 2),
        (["train", "-c", "shop.yaml", "-v", "-q"], 2),
        (["train", "-c", "nowhere.yaml"], 2),
        (["train", "-c", "shop.yaml", "--set", "train.factors=many"], 2),
        (["ingest", "-c", "shop.yaml", "--set", "events.source=nothing/*.csv"], 3),
        (["train", "-c", "shop.yaml", "--set", "workspace=empty"], 4),
        (["evaluate", "-c", "shop.yaml", "--set", "evaluate.gate={metric: ndcg@10, at_least: 0.99}"], 5),
        (["train", "-c", "shop.yaml", "--set", "workspace=events.csv"], 7),
        (["train", "-c", "shop.yaml", "--log-file", "events.csv/als.log"], 7),
    ],
)
def test_every_expected_failure_is_one_object_and_the_same_message_on_stderr(shop, arguments, code):
    command, rest = (
        (arguments[:2], arguments[2:]) if arguments[0] == "show" else (arguments[:1], arguments[1:])
    )
    ended = als_here(*command, "--json", *rest, cwd=shop)
    error = error_of(ended, code)
    assert ended.stderr.startswith(f"error: {error['message']}\n")
    assert [line[4:] for line in ended.stderr.splitlines() if line.startswith("  - ")] == error["problems"]
    assert (f"hint: {error['hint']}\n" in ended.stderr) == (error["hint"] is not None)
    assert not re.search(r"input should|value error|Traceback|\u2502", ended.stderr, re.IGNORECASE)


def test_all_problems_of_a_config_are_listed(shop):
    settings = ["--set", "train.factors=many", "--set", "train.seed=x"]
    error = error_of(als_here("train", "-c", "shop.yaml", "--json", *settings, cwd=shop), 2)
    assert [problem.partition(" ")[0] for problem in error["problems"]] == ["train.factors", "train.seed"]
    assert error["hint"]


@pytest.mark.parametrize("arguments", [["train", "--thread", "2"], ["train", "-c", "nowhere.yaml"]])
def test_json_lines_on_stderr_stay_json_beside_it(shop, arguments):
    ended = als_here(*arguments, "--json", "--log-format", "json", cwd=shop)
    error = error_of(ended, 2)
    (line,) = ended.stderr.splitlines()
    record = json.loads(line)
    assert (record["level"], record["message"], record["exit_code"]) == ("error", error["message"], 2)
    assert (record["hint"], record["problems"]) == (error["hint"], error["problems"])


@pytest.mark.parametrize("arguments", [["train"], ["train", "-c", "nowhere.yaml"], ["show", "user", "-x"]])
def test_without_json_stdout_stays_empty(shop, arguments):
    ended = als_here(*arguments, cwd=shop)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("error: ")


def test_a_value_that_is_spelt_like_the_flag_does_not_ask_for_json(shop):
    ended = als_here("show", "user", "-c", "shop.yaml", "--", "--json", cwd=shop)
    assert (ended.returncode, ended.stdout) == (4, "")


def test_a_lock_is_told_as_well(shop):
    (shop / "work").mkdir(exist_ok=True)
    holder = "from als_cli.storage.lock import workspace_lock\nimport sys, pathlib\nwith workspace_lock(pathlib.Path(sys.argv[1])):\n    print('held', flush=True)\n    sys.stdin.read()"
    process = subprocess.Popen(
        [sys.executable, "-c", holder, str(shop / "work")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )  # fmt: skip
    try:
        assert process.stdout.readline() == "held\n"
        error_of(als_here("ingest", "-c", "shop.yaml", "--json", cwd=shop), 6)
    finally:
        process.communicate(timeout=30)


@pytest.mark.parametrize("log_format", ["text", "json"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_is_told_as_well(slow_shop, tmp_path, number, code, log_format):
    log = tmp_path / "als.log"
    command = [sys.executable, "-m", "als_cli", "train", "-c", "shop.yaml", "--json", "--log-file", str(log), "--log-format", log_format]  # fmt: skip
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=slow_shop, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not (log.exists() and log.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    error = error_of(subprocess.CompletedProcess(command, process.returncode, stdout, stderr), code)
    said = (
        [json.loads(line)["message"] for line in stderr.splitlines()]
        if log_format == "json"
        else stderr.splitlines()
    )
    assert said == [error["message"]]


def test_a_bug_is_told_as_well():
    program = (
        "from als_cli.console.failures import exit_codes\nfrom als_cli.console.logs import configure_logging\n"
        "configure_logging(verbose=False, quiet=False, log_format='json', log_file=None)\n"
        "with exit_codes(as_json=True):\n    {}['x']"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    error = error_of(ended, 1)
    assert "KeyError" in error["message"]
    assert [json.loads(line)["message"] for line in ended.stderr.splitlines()] == [error["message"]]


@pytest.mark.parametrize("stdout", ["/dev/full", None])
def test_a_stdout_that_takes_nothing_changes_no_exit_code(shop, stdout):
    redirect = f">{stdout}" if stdout else ">&-"
    command = f'"$0" -m als_cli train -c nowhere.yaml --json {redirect}'
    ended = subprocess.run(
        ["bash", "-c", command, sys.executable], capture_output=True, text=True, timeout=60, cwd=shop,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.startswith("error: config file nowhere.yaml does not exist")
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("command", ["recommend", "run"])
def test_rows_and_a_report_do_not_share_stdout(shop, command):
    settings = ["--set", "recommend.output.path=-"]
    error = error_of(als_here(command, "-c", "shop.yaml", "--json", *settings, cwd=shop), 2)
    assert "--json" in error["message"]
    assert "stdout" in error["message"]


def test_the_output_flag_and_json_exclude_each_other(shop):
    error_of(als_here("recommend", "-c", "shop.yaml", "--json", "--output", "-", cwd=shop), 2)
