"""The configs in configs/ are valid, and the generated reference has every key with its default."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
import yaml
from pydantic import BaseModel

from als_cli.config.descriptions import describe_keys
from als_cli.config.loading import load_config
from als_cli.config.root import Config

ROOT = Path(__file__).parents[1]
CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))


def models_below(annotation):
    """Yield every pydantic model in `annotation` and its fields."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from models_below(field.annotation)
    for part in get_args(annotation):
        yield from models_below(part)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_shipped_config_is_valid(path):
    config = load_config(path, environment={})
    assert Path(config.workspace).is_absolute()


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_paths_of_every_config_stay_in_the_checkout(path):
    places = re.findall(r"(?:\.\./)+\S+", path.read_text())
    assert all((path.parent / place).resolve().is_relative_to(ROOT) for place in places)


@pytest.mark.parametrize(
    "path", [path for path in CONFIGS if path.stem != "reference"], ids=lambda path: path.stem
)
def test_configs_do_not_repeat_defaults(path):
    """Section `train` sets only values that differ from their default."""
    given = yaml.safe_load(path.read_text()).get("train", {})  # without the section, all values are auto
    defaults = Config.model_fields["train"].default.model_dump(mode="json")
    assert {key for key, value in given.items() if value == defaults[key]} <= {"factors"}


def test_generated_reference_is_current(tmp_path):
    script = ROOT / "docs" / "make_reference.py"
    subprocess.run(
        [sys.executable, script, tmp_path], check=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    for name in ("configs/reference.yaml", "docs/configuration.md"):
        assert (tmp_path / name).read_text() == (ROOT / name).read_text(), "run python docs/make_reference.py"


def test_reference_yaml_shows_the_defaults(tmp_path):
    reference = (ROOT / "configs" / "reference.yaml").read_text()
    (tmp_path / "reference.yaml").write_text(reference)
    (tmp_path / "bare.yaml").write_text(
        f"events: {{source: {yaml.safe_load(reference)['events']['source']}}}"
    )
    shown, bare = (load_config(tmp_path / name, environment={}) for name in ("reference.yaml", "bare.yaml"))
    assert shown == bare


def test_every_key_is_in_the_reference_yaml_and_the_reference_page():
    reference = set(
        re.findall(r"^[ #]*([a-z_]+):", (ROOT / "configs" / "reference.yaml").read_text(), re.MULTILINE)
    )
    table = set(
        re.findall(
            r"^\| `(?:\S*\.)?([a-z_]+)` \|", (ROOT / "docs" / "configuration.md").read_text(), re.MULTILINE
        )
    )
    keys = {key for model in models_below(Config) for key in model.model_fields}
    assert keys - reference == set()
    assert keys - table == set()


def test_every_key_has_a_description():
    describe_keys()
    undocumented = [
        f"{model.__name__}.{key}"
        for model in models_below(Config)
        for key, field in model.model_fields.items()
        if not field.description
    ]
    assert undocumented == []
