"""The files around the package fit each other: workflow, compose file, Dockerfile, extras and docs."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"].keys() - {"test", "dev"}


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ("vendor.github-workflows", ".github/workflows/ci.yml"),
        ("vendor.compose-spec", "compose.yaml"),
    ],
)
def test_a_file_follows_the_schema_of_its_tool(schema, path):
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(ROOT / path)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_the_workflow_has_all_supported_versions_of_python():
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]
    supported = {one.rpartition(" ")[2] for one in PROJECT["classifiers"] if "Python :: 3." in one}
    assert set(jobs["all-checks"]["strategy"]["matrix"]["python"]) == supported


def test_the_image_has_files_and_extras_that_exist():
    copied = [
        name
        for line in re.findall(r"^COPY (?!--from)(.*)", DOCKERFILE, re.MULTILINE)
        for name in line.split()[:-1]
    ]
    assert copied
    assert all((ROOT / name).exists() for name in copied)
    kept = re.findall(r"^!(.*)", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    assert set(copied) == set(kept)
    (extras,) = re.findall(r"'\.\[(.*?)\]'", DOCKERFILE)
    assert set(extras.split(",")) <= EXTRAS
    assert re.search(r"^USER (?!root)", DOCKERFILE, re.MULTILINE)


def test_every_extra_is_described_and_tested_alone():
    page, ci = (ROOT / "docs" / "install.md").read_text(), (ROOT / ".ci" / "run").read_text()
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == EXTRAS
    assert set(re.findall(r"\[(\w+)\]=\w", ci)) == EXTRAS
