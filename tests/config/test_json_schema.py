"""The JSON Schema accepts what the loader accepts, and refuses unknown keys, wrong types and wrong words."""

import copy
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from als_cli.config.key_tree import all_keys, keys_in
from als_cli.config.modeline import SCHEMA_FILE, SCHEMA_MODELINE
from als_cli.config.root import Config
from als_cli.config.shipped_schema import schema_text
from tests.config.raw_configs import configs

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads(schema_text())
VALIDATOR = Draft202012Validator(SCHEMA)
CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))
BARE = {"events": {"source": "e.csv"}}

PROBES = [
    None, True, False, 0, 1, 2, 7, 1.5, 0.25, -1, -0.5, 10**10, 2**33, "", "x", "auto", "all", "none", "infinite",
    "30d", "0d", "1.5 w", "d", "2026-01-31", "2026-01-31T06:00:00Z", "2026-13-01", "ndcg@10", "ndcg@0", "coverage@5",
    "popular", "true", "FILE", "sqlite:x", [], ["x"], ["popular"], ["popular", "popular"], [1], [1, 1], [1, 2], [2, 1, 3], [0.5, 0.7], [True],
    [{"path": "x"}], [{"column": "c", "at_most": 2}], [{"positions": [1]}], {}, {"x": 1}, {"x": "y"}, {"path": "x"},
    {"file": "x"}, {"active_since": "30d"}, {"by": "time"}, {"by": "last", "test": "7d"}, {"test": "7d"}, {"n": 2},
    {"fraction": 0.5}, {"fraction": 0.5, "fold_in": 0.5}, {"seed": 1}, {"uri": "sqlite:x"}, {"metric": "ndcg@5"},
]  # fmt: skip
"""Values that are tried at every key."""
ONLY_THE_LOADER = re.compile(
    "unable to parse: .*|the lower bound comes first|this is not a number of whole days|this compares with a baseline.*"
    "|a query starts with SELECT or WITH"
)
"""Rules that the schema cannot express: the languages of conditions and queries, the order of bounds, whole days, pairs of keys."""


def refusal(tree):
    """Return the messages of the loader about `tree`; empty if the loader accepts it."""
    try:
        Config.model_validate(copy.deepcopy(tree))
    except ValidationError as wrong:
        return [str(one.get("ctx", {}).get("error", one["type"])) for one in wrong.errors()]
    return []


def with_value(name, value):
    """Return the bare config with `value` at the key `name`, beside the keys that its sections need."""
    tree = copy.deepcopy(BARE)
    *parents, last = name.split(".")
    place = tree
    for depth, parent in enumerate(parents):
        path = ".".join(parents[: depth + 1])
        shown = all_keys()[name][0].shown
        is_list = re.search(rf"(^|[.\]]){parent}\[\]", shown) is not None
        inner = {} if is_list or not isinstance(place.get(parent), dict) else place[parent]
        place[parent] = [inner] if is_list else inner
        place = inner
        for key in (one for below in keys_in(path) for one in all_keys()[below]):
            if (
                key.is_required
                and len(all_keys()[path]) == 1
                and path not in ("evaluate.split", "recommend.users")
            ):
                place.setdefault(key.name.rpartition(".")[2], key.example)
    place[last] = value
    return tree


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_the_schema_is_valid_and_of_draft_2020_12():
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(SCHEMA)


def test_the_files_are_current(tmp_path):
    script = ROOT / "docs" / "make_schema.py"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, script, tmp_path], check=True, env=environment)
    for name in (f"als_cli/config/{SCHEMA_FILE}", f"configs/{SCHEMA_FILE}"):
        assert (tmp_path / name).read_text() == (ROOT / name).read_text(), "run python docs/make_schema.py"


def test_every_key_has_its_description_and_default():
    definitions = SCHEMA["$defs"] | {"Config": SCHEMA}
    for name, keys in all_keys().items():
        for key in keys:
            shown = definitions[key.model.__name__]["properties"][name.rpartition(".")[2]]
            section = definitions[shown.get("$ref", "/Config").rpartition("/")[2]]
            assert shown.get("description", section["description"]) == key.description
            assert key.field.is_required() or key.is_default_section or shown["default"] == key.default


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_shipped_config_names_the_schema(path):
    assert path.read_text(encoding="utf-8").splitlines()[0] == SCHEMA_MODELINE


def test_check_jsonschema_accepts_every_shipped_config():
    ended = check_jsonschema(*CONFIGS)
    assert (ended.returncode, ended.stderr) == (0, "")


def check_jsonschema(*files):
    command = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--schemafile",
        ROOT / "configs" / SCHEMA_FILE,
        *files,
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "text",
    [
        "events: {source: e.csv, where: a > 0, as_of: 2026-01-31}",
        "events: {source: e.csv, as_of: 2026-01-31 06:00:00}\nevaluate: {split: {test: 2026-01-31T06:00:00Z}}",
        "events: {source: [e.csv, {path: f.csv, header: false, columns: {user: 1, item: 2}}]}",
        "events: {source: e.csv, types: {1: 2, view: 1e-2}, half_life: 1.5 w, value_cap: null}",
        "events: {source: '-'}\ntrain: {factors: auto, budget: {time: 90m}}\nrecommend: {users: {file: u.csv}}",
    ],
)
def test_check_jsonschema_accepts_the_forms_of_yaml(tmp_path, text):
    (tmp_path / "shop.yaml").write_text(text)
    ended = check_jsonschema(tmp_path / "shop.yaml")
    assert ended.returncode == 0, ended.stdout


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("events: {source: e.csv, halflife: 30d}", "halflife"),
        ("events: {source: e.csv}\ntrain: {factor: 16}", "factor"),
        ("events: {source: e.csv}\nevaluate: {split: {by: last, test: 7d}}", "split"),
        ("events: {source: e.csv}\nevaluate: {split: {seed: 1}}", "split"),
        ("events: {source: 5}", "source"),
        ("events: {source: []}", "source"),
        ("events: {source: e.csv, half_life: 30}", "half_life"),
        ("events: {source: e.csv, half_life: 30 days}", "half_life"),
        ("events: {source: e.csv, half_life: 0d}", "half_life"),
        ("events: {source: e.csv, as_of: yesterday}", "as_of"),
        ("events: {source: e.csv, header: 'yes'}", "header"),
        ("events: {source: e.csv, format: xml}", "format"),
        ("events: {source: e.csv}\ntrain: {engine: spark}", "engine"),
        ("events: {source: e.csv}\ntrain: {factors: 0}", "factors"),
        ("events: {source: e.csv}\ntrain: {factors: many}", "factors"),
        ("events: {source: e.csv}\ntrain: {seed: 1.5}", "seed"),
        ("events: {source: e.csv}\ntrain:", "train"),
        ("events: {source: e.csv}\ntune: {space: {iterations: [1, 2, 3]}}", "iterations"),
        ("events: {source: e.csv}\nrecommend: {fallback: [popular, random]}", "fallback"),
        ("events: {source: e.csv}\nevaluate: {gate: {metric: ndcg}}", "metric"),
        ("train: {factors: 16}", "events"),
        ("events: {}", "source"),
    ],
)  # fmt: skip
def test_check_jsonschema_refuses_a_wrong_config(tmp_path, text, place):
    (tmp_path / "shop.yaml").write_text(text)
    ended = check_jsonschema(tmp_path / "shop.yaml")
    assert ended.returncode == 1
    assert place in ended.stdout
    assert refusal(yaml.safe_load(text)) != []


@settings(max_examples=300, suppress_health_check=list(HealthCheck))
@given(configs())
def test_a_config_that_the_loader_accepts_is_valid(tree):
    assume(refusal(tree) == [])
    assert [error.message for error in VALIDATOR.iter_errors(tree)] == []


@pytest.mark.parametrize("section", keys_in(""))
def test_schema_and_loader_accept_the_same_values_of_each_key(section):
    tried = accepted = 0
    for name in (name for name in all_keys() if name.split(".")[0] == section):
        for value in PROBES:
            tree = with_value(name, value)
            said, is_valid = refusal(tree), VALIDATOR.is_valid(tree)
            tried, accepted = tried + 1, accepted + is_valid
            if said and all(map(ONLY_THE_LOADER.fullmatch, said)):
                continue
            assert is_valid == (not said), (name, value, said)
    assert tried > accepted > 0
