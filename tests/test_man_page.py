"""The man page is current, complete and valid."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from als_cli.cli import app
from als_cli.errors import ExitCode

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "als.1"


def test_the_page_is_current(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, ROOT / "docs" / "make_man.py", tmp_path], check=True, env=environment)
    assert (tmp_path / "docs" / "als.1").read_text() == PAGE.read_text(), "run python docs/make_man.py"


def plain_page():
    return PAGE.read_text().replace("\\-", "-").replace("\\fB", "").replace("\\fI", "").replace("\\fR", "")


def leaves(group, path=()):
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from leaves(command, (*path, name))
        else:
            yield (*path, name), command


@pytest.mark.parametrize(("path", "command"), list(leaves(get_command(app))), ids=str)
def test_every_command_and_option_is_in_the_page(path, command):
    page = plain_page()
    assert f".SS {' '.join(path)}\nals {' '.join(path)}" in page
    assert [
        name for one in command.params for name in one.opts if name.startswith("--") and name not in page
    ] == []


def test_every_exit_code_is_in_the_page():
    page = plain_page().partition(".SH EXIT STATUS")[2].partition(".SH")[0]
    shown = {int(one) for line in page.splitlines() if line[:1].isdigit() for one in line.split(",")}
    assert shown == {int(code) for code in ExitCode} | {141}


def test_the_examples_are_those_of_the_readme():
    examples = plain_page().partition(".SH EXAMPLES")[2].partition(".SH")[0]
    assert examples.count(".TP\nals ") >= 18


def test_mandoc_finds_no_mistake():
    if shutil.which("mandoc") is None:
        pytest.skip("mandoc is not installed")
    ended = subprocess.run(
        ["mandoc", "-Tlint", "-Wwarning", PAGE], capture_output=True, text=True, check=False
    )
    said = [line for line in ended.stdout.splitlines() if "STYLE" not in line and "missing date" not in line]
    assert said == []


def test_groff_has_no_warning():
    if shutil.which("man") is None or shutil.which("groff") is None:
        pytest.skip("man or groff is not installed")
    ended = subprocess.run(
        ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", PAGE],
        capture_output=True, text=True, check=False, env=os.environ | {"MANWIDTH": "80", "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "als rollback" in re.sub(".\x08", "", ended.stdout)  # bold signs are printed twice
