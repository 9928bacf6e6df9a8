"""Each way to end has its exit code and one clear message; checked in real processes."""

import os
import signal
import subprocess
import sys

import pytest

FAILING = """
import sys, time
from als_cli.console.failures import exit_codes
from als_cli.console.logs import configure_logging
from als_cli import errors
configure_logging(verbose={verbose}, quiet=False, log_format={log_format!r}, log_file={log_file})
with exit_codes(verbose={verbose}):
    {body}
"""


def fail(body, *, verbose=False, log_format="text", log_file=None, **options):
    file = f"__import__('pathlib').Path({str(log_file)!r})" if log_file else None
    program = FAILING.format(body=body, verbose=verbose, log_format=log_format, log_file=file)
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, **options
    )


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("ConfigError", 2),
        ("DataError", 3),
        ("TrainingError", 3),
        ("ArtifactError", 4),
        ("GateError", 5),
        ("LockedError", 6),
        ("ResourceError", 7),
    ],
)
def test_expected_failures_have_their_codes(name, code):
    ended = fail(f"raise errors.{name}('shop.csv is odd', hint='mend it', problems=['row 1', 'row 2'])")
    assert ended.returncode == code
    assert ended.stderr == "error: shop.csv is odd\n  - row 1\n  - row 2\nhint: mend it\n"
    assert ended.stdout == ""


def test_an_unexpected_failure_is_exit_1_without_traceback():
    ended = fail("{}['x']")
    assert ended.returncode == 1
    assert "error: unexpected KeyError: 'x'" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_unexpected_failure_shows_its_traceback_when_verbose():
    ended = fail("{}['x']", verbose=True)
    assert ended.returncode == 1
    assert "Traceback" in ended.stderr


def test_the_log_file_keeps_errors_and_tracebacks(tmp_path):
    fail("{}['x']", log_file=tmp_path / "logs" / "als.log")
    fail("raise errors.DataError('shop.csv is odd')", log_file=tmp_path / "logs" / "als.log")
    text = (tmp_path / "logs" / "als.log").read_text()
    assert "Traceback" in text
    assert "shop.csv is odd" in text


def test_json_log_lines_carry_hint_problems_and_code():
    import json

    ended = fail("raise errors.DataError('odd', hint='mend it', problems=['row 1'])", log_format="json")
    (line,) = ended.stderr.splitlines()
    record = json.loads(line)
    assert (record["level"], record["message"], record["hint"]) == ("error", "odd", "mend it")
    assert (record["problems"], record["exit_code"]) == (["row 1"], 3)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("raise MemoryError", "out of memory"),
        ("raise OSError(28, 'No space left on device', '/x/y')", "no space left on the disk of /x/y"),
        ("open('/dev/full', 'w').write('x' * 100_000)", "no space left"),
    ],
)
def test_resources_are_exit_7(body, says):
    ended = fail(body)
    assert ended.returncode == 7
    assert says in ended.stderr
    assert "hint:" in ended.stderr


def test_a_missing_file_that_nobody_expected_is_a_bug():
    assert fail("open('/nonexistent/file')").returncode == 1


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_unwind_the_stack_and_exit_with_their_code(number, code, tmp_path):
    body = f"""
    try:
        print('ready', flush=True)
        time.sleep(60)
    finally:
        open({str(tmp_path / "cleaned")!r}, 'w').close()
"""
    program = FAILING.format(body=body.strip(), verbose=False, log_format="text", log_file=None)
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    os.kill(process.pid, number)
    _, said = process.communicate(timeout=30)
    assert process.returncode == code
    assert (tmp_path / "cleaned").exists()
    assert "Traceback" not in said


def test_a_reader_that_closes_the_pipe_ends_it_quietly():
    program = FAILING.format(
        body="[print('x' * 1000) for _ in range(10_000)]", verbose=False, log_format="text", log_file=None
    )
    ended = subprocess.run(
        ["bash", "-c", 'set -o pipefail; "$0" -c "$1" | head -n 1', sys.executable, program],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ended.returncode == 141
    assert ended.stdout == "x" * 1000 + "\n"
    assert ended.stderr == ""
