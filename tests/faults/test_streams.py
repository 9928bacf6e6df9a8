"""Standard streams that are closed, full or without a reader, and limits of the system: one line and its exit code."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.in_process import als_here
from tests.shop import write_shop, write_slow_shop

ALS = f"{shlex.quote(sys.executable)} -m als_cli"
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("ALS_")} | {
    "PYTHONPATH": str(Path(__file__).parents[2])
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    config = write_shop(folder)
    for stage in ("ingest", "train"):
        assert als_here(stage, "-c", config).returncode == 0
    return folder


@pytest.fixture
def in_shell(shop):
    """Return a function that runs a shell command in the folder of the shop, with `als` as the command."""

    def run(command, **environment):
        return subprocess.run(
            ["bash", "-c", f"als() {{ {ALS} \"$@\"; }}; {command}"],
            cwd=shop, capture_output=True, text=True, timeout=120, env=ENVIRONMENT | environment,
        )  # fmt: skip

    return run


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("als ingest -c shop.yaml <&-", 0, ""),
        ("als ingest -c shop.yaml --set events.source=- <&-", 7, "stdin cannot be used: it is closed"),
        ("als show model -c shop.yaml >&-", 7, "stdout cannot be used: it is closed"),
        ("als show model -c shop.yaml >/dev/full", 7, "stdout cannot be used: No space left"),
        ("als show model -c shop.yaml --json >/dev/full", 7, "stdout cannot be used: No space left"),
        ("als show model -c no.yaml --json >/dev/full", 2, "config file no.yaml does not exist"),
        ("als --help >/dev/full", 7, "stdout cannot be used: No space left"),
        ("als show model -c no.yaml 2>&-", 2, ""),
        ("als show model -c no.yaml 2>/dev/full", 2, ""),
        ("als ingest -c shop.yaml --log-file /dev/full", 7, "--log-file /dev/full cannot be written"),
    ],
)
def test_a_stream_that_cannot_be_used_has_one_message(in_shell, command, code, said):
    ended = in_shell(command)
    assert ended.returncode == code, ended.stderr
    assert said in ended.stderr
    assert len(ended.stderr.splitlines()) == (2 if said else 0), ended.stderr


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("als show model -c shop.yaml | true", 141),
        ("als show model -c shop.yaml --json | true", 141),
        ("als --help | true", 141),
        ("als show model -c no.yaml 2>&1 >/dev/null | true", 2),
    ],
)
def test_a_reader_that_has_left(in_shell, command, code):
    ended = in_shell(f"{command}; exit ${{PIPESTATUS[0]}}")
    assert (ended.returncode, ended.stderr) == (code, "")


def test_a_file_that_may_not_grow_exits_with_code_7(in_shell):
    ended = in_shell("ulimit -f 4; als ingest -c shop.yaml")
    assert ended.returncode == 7, ended.stderr
    assert "is larger than this process may write" in ended.stderr


def test_a_low_limit_of_the_address_space_exits_with_code_7(in_shell):
    ended = in_shell("ulimit -v 800000; als ingest -c shop.yaml")
    assert ended.returncode == 7, ended.stderr
    assert "781 MiB of address space" in ended.stderr
    assert len(ended.stderr.splitlines()) == 2


def test_a_deleted_working_folder_exits_with_code_2(shop, in_shell):
    for config in ("../shop.yaml", f"{shop}/shop.yaml --set workspace=work"):
        ended = in_shell(f"mkdir gone; cd gone; rmdir ../gone; als ingest -c {config}")
        assert ended.returncode == 2, ended.stderr
        assert "the working folder of this process has been removed" in ended.stderr


@pytest.mark.parametrize("columns", ["0", "1", "19"])
def test_tables_have_a_minimum_width(shop, columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    ended = als_here("show", "model", "-c", shop / "shop.yaml")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout


def test_text_that_is_not_utf_8(shop, in_shell, tmp_path):
    for arguments, code in (
        ("ingest -c shop.yaml --set workspace=$'w\\xff'", 2),
        ("ingest -c shop.yaml --set $'w\\xff=1'", 2),
        ("ingest -c $'w\\xff'", 2),
        ("ingest -c shop.yaml --set events.source=$'w\\xff'", 2),
        ("recommend -c shop.yaml --users $'w\\xff'", 2),
        ("show user -c shop.yaml $'w\\xff'", 2),
    ):
        ended = in_shell(f"als {arguments}")
        assert ended.returncode == code, (arguments, ended.stderr)
        assert ended.stderr.startswith("error: ")
        assert len(ended.stderr.splitlines()) == 2, ended.stderr


def test_the_log_of_a_failure_names_bytes_that_are_not_utf_8(shop, tmp_path):
    log_file = tmp_path / "als.log"
    ended = als_here("ingest", "-c", "w\udcff.yaml", "--log-file", log_file)
    assert ended.returncode == 2
    assert r"config file w\udcff.yaml does not exist" in log_file.read_text()


def test_an_option_in_place_of_the_config_is_explained(shop):
    ended = als_here("train", "-c", "--json", cwd=shop)
    assert ended.returncode == 2
    assert "-c takes the next word as its file, here the option --json" in ended.stderr


def test_a_hang_up_removes_unfinished_work(tmp_path):
    config = write_slow_shop(tmp_path)
    assert als_here("ingest", "-c", config).returncode == 0
    process = subprocess.Popen(
        [sys.executable, "-m", "als_cli", "train", "-c", "shop.yaml", "-v"],
        cwd=tmp_path, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT,
    )  # fmt: skip
    assert "iteration 1" in process.stderr.readline()
    process.send_signal(1)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 129
    assert said.splitlines()[-1] == "hung up; unfinished work was removed"
    assert not list((tmp_path / "work/.models.versions").iterdir())


@pytest.mark.skipif(shutil.which("nohup") is None, reason="nohup is not installed")
def test_a_hang_up_under_nohup_is_ignored(in_shell):
    ended = in_shell(f"nohup {ALS} ingest -c shop.yaml --json & sleep 0.5; kill -HUP $!; wait $!")
    assert ended.returncode == 0, ended.stderr


PROGRAM = """
import signal, sys
from als_cli.console.signals import exit_on_signals
exit_on_signals()
signal.raise_signal({number})
"""


@pytest.mark.parametrize("number", [1, 2, 15])
def test_a_signal_before_the_command_starts_has_its_exit_code(number):
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(number=number)],
        capture_output=True,
        env=ENVIRONMENT,
        timeout=60,
    )
    assert (ended.returncode, ended.stderr) == (128 + number, b"")


def test_signals_have_handlers_before_libraries_are_imported():
    program = (
        "import sys, als_cli.__main__\n"
        "assert not {'typer', 'pydantic', 'rich', 'als_cli.cli'} & set(sys.modules), 'slow import'\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, env=ENVIRONMENT, timeout=60)
