"""`als explain`: every key is explained, and each example is a valid config."""

import copy

import pytest
import yaml
from typer.main import get_command

from als_cli.cli import app
from als_cli.config.examples import EXAMPLES
from als_cli.config.key_help import COMMANDS, explain_key
from als_cli.config.key_tree import all_keys, keys_in
from als_cli.config.loading import load_config
from als_cli.console.views.explain import explanation_text
from tests.in_process import als_here, done, failed


def merged(tree, more):
    both = copy.deepcopy(tree)
    for key, value in more.items():
        is_section = isinstance(value, dict) and isinstance(both.get(key), dict)
        both[key] = merged(both[key], value) if is_section else value
    return both


def completed(name, tree):
    """Return the example `tree` of the key `name` with the keys that its sections need."""
    both = merged({"events": {"source": "e.csv"}}, tree)
    parts, place = name.split("."), both
    for depth, part in enumerate(parts[:-1]):
        place = place[part][0] if isinstance(place[part], list) else place[part]
        for below in keys_in(".".join(parts[: depth + 1])):
            key = all_keys()[below][0]
            if key.is_required and name.startswith(below.rpartition(".")[0]) and len(all_keys()[below]) == 1:
                is_other_variant = key.name in (
                    "evaluate.split.path",
                    "recommend.users.file",
                    "recommend.users.active_since",
                )
                if not is_other_variant:
                    place.setdefault(below.rpartition(".")[2], key.example)
    return both


NEEDS = {
    "evaluate.split.seed": {"by": "random"},
    **{f"evaluate.split.{key}": {"by": "file", "path": "x"} for key in ("format", "separator", "header", "quote", "encoding", "columns")},
    **{f"recommend.users.{key}": {"file": "x"} for key in ("format", "separator", "header", "quote", "encoding", "column")},
}  # fmt: skip
"""Keys of variants whose example needs the key that determines the variant."""


@pytest.mark.parametrize("name", all_keys())
def test_the_example_of_every_key_loads(name, tmp_path):
    report = explain_key(name)
    tree = completed(name, yaml.safe_load(report.example))
    for start, needed in NEEDS.items():
        if name == start or name.startswith(f"{start}."):
            section, inner = start.split(".")[:2]
            tree[section][inner] = needed | tree[section][inner]
    (tmp_path / "shop.yaml").write_text(yaml.safe_dump(tree))
    load_config(tmp_path / "shop.yaml", environment={})


@pytest.mark.parametrize("name", all_keys())
def test_every_key_has_a_description_a_type_and_commands(name):
    report = explain_key(name)
    assert all(one.description and one.type for one in report.variants)
    assert report.used_by
    assert all(word.partition(".")[0] in keys_in("") for word in report.related)
    assert name.rpartition(".")[2] in explanation_text(report)


def test_the_commands_exist():
    known = set()
    for name, command in get_command(app).commands.items():
        known |= {f"{name} {inner}" for inner in getattr(command, "commands", ())} or {name}
    named = {name.partition(" --")[0] for names in COMMANDS.values() for name in names}
    assert {name for name in named - known if not name.startswith("every command")} == set()


def test_examples_and_commands_name_existing_keys():
    assert [name for name in EXAMPLES if name not in all_keys()] == []
    assert [name for name in COMMANDS if name not in all_keys()] == []
    assert set(keys_in("")) <= set(COMMANDS)


def test_a_key_is_explained():
    printed = als_here("explain", "train.factors").stdout
    assert printed.startswith("train.factors\n\n  Number of factors")
    assert "  type      auto or a whole number from 1 to 4096\n  default   auto\n" in printed
    assert "Used by: als train," in printed
    assert "train.budget" in printed.partition("Related keys:")[2]
    assert printed.endswith("Example:\n\n  train:\n    factors: 128\n")


def test_a_section_lists_its_keys():
    printed = als_here("explain", "recommend").stdout
    for name in ("top_n", "fallback", "output"):
        assert f"\n  {name} " in printed


def test_a_key_in_variants_is_explained_for_each():
    report = explain_key("evaluate.split.fraction")
    assert [(one.variant, one.default) for one in report.variants] == [
        ("by: random", 0.2),
        ("by: users", 0.1),
    ]
    assert explain_key("evaluate.split.by").variants[0].values == (
        "auto", "time", "last", "random", "users", "file",
    )  # fmt: skip


@pytest.mark.parametrize("written", ["recommend.rules.pinned.name", "recommend.rules.pinned[0].name"])
def test_entries_of_lists_may_have_an_index(written):
    assert explain_key(written).key == "recommend.rules.pinned[].name"


def test_json_has_the_allowed_values():
    report = done("explain", "train.engine")
    assert report["variants"][0]["values"] == ["native", "implicit"]
    assert report["variants"][0]["default"] == "native"


@pytest.mark.parametrize(
    ("wrong", "suggested"),
    [
        ("train.factor", "train.factors"),
        ("factors", "train.factors"),
        ("event.types", "events.types"),
        ("recommend.output.databse.uri", "recommend.output.database.uri"),
        ("nonsense", "the keys at the top are workspace"),
    ],
)
def test_an_unknown_key_is_an_error_with_a_suggestion(wrong, suggested):
    error = failed(2, "explain", wrong)
    assert error["message"] == f"the config has no key {wrong!r}"
    assert suggested in error["hint"]
