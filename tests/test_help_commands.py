"""The commands `als schema` and `als --version`."""

import json
import re
from importlib.metadata import version

import pytest

from als_cli.config.shipped_schema import schema_text
from tests.in_process import als_here

COMMANDS = {
    "": ("--version",),
    "show": ("--help",),
    "run": ("--force", "--json", "--verbose"),
    "show user": ("--json", "--quiet"),
    "similar items": ("--json",),
    "init": ("--yes", "--force"),
    "explain": ("--json",),
    "compile": ("--check",),
    "compare": ("--gate",),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_flag_has_no_value_in_the_help(command):
    lines = als_here(*command.split(), "--help").stdout.splitlines()
    for flag in (*COMMANDS[command], "--help"):
        [line] = [one for one in lines if re.match(rf"│ +\*? *{flag} ", one)]
        assert re.match(rf"│ +\*? *{flag} +(-[a-z] +)?[A-Z][a-z]", line)  # the first word of a sentence
    assert not any("<bool>" in line for line in lines)


def test_an_option_with_a_value_has_its_name_in_the_help():
    assert re.search(r"--config +-c +FILE +The YAML config", als_here("show", "user", "--help").stdout)


@pytest.mark.parametrize("arguments", [(), ("--output", "-")], ids=["", "stdout"])
def test_the_schema_is_printed(arguments):
    ended = als_here("schema", *arguments)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == schema_text()
    assert json.loads(ended.stdout)["required"] == ["events"]


def test_the_schema_is_written_and_written_again(tmp_path):
    target = tmp_path / "new" / "als-config.schema.json"
    for _ in range(2):
        ended = als_here("schema", "--output", target)
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
        assert target.read_text(encoding="utf-8") == schema_text()
    target.write_text(schema_text()[:-20])
    assert als_here("schema", "--output", target).returncode == 0
    assert target.read_text(encoding="utf-8") == schema_text()


def test_the_schema_replaces_no_other_file(tmp_path):
    shop = tmp_path / "shop.yaml"
    shop.write_text("events: {source: e.csv}\n")
    ended = als_here("schema", "--output", shop)
    assert ended.returncode == 2
    assert ended.stderr == (
        f"error: {shop} is not a schema of als-cli, so als does not replace it\n"
        "hint: move it away, or choose another path\n"
    )
    assert shop.read_text() == "events: {source: e.csv}\n"


def test_a_folder_is_an_error(tmp_path):
    ended = als_here("schema", "--output", tmp_path)
    assert ended.returncode == 7
    assert "is a folder" in ended.stderr


def test_version_names_the_libraries():
    ended = als_here("--version")
    assert ended.returncode == 0
    first, system, *libraries = ended.stdout.splitlines()
    assert first == f"als-cli {version('als-cli')}"
    assert system.startswith("Python 3.")
    assert f"polars {version('polars')}" in libraries
