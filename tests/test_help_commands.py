"""The commands `als schema` and `als --version`."""

import json
from importlib.metadata import version

import pytest

from als_cli.config.shipped_schema import schema_text
from tests.in_process import als_here


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
