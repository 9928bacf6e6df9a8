"""Configs that are deep, hold invisible characters or absurd numbers: exit code 2 and a message with the place."""

import pytest

from als_cli.config.loading import load_config
from als_cli.config.root import Config
from als_cli.config.schema_keys import types_in
from als_cli.errors import ConfigError
from tests.in_process import als_here

UNBOUNDED = {
    "events.types": "checked by the sums: too large a weight is an error of the data",
    "events.value_cap": "an upper bound of values itself",
    "evaluate.gate.at_least": "compared only",
    "column": "the message names the number of columns of the file",
}
"""Numbers without an upper bound, with the reason."""
COLUMN_KEYS = {
    "category",
    "user",
    "item",
    "timestamp",
    "type",
    "value",
    "column",
    "title",
    "by",
    "since",
    "until",
}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: " + "[" * 20_000, "nested too deeply"),
        ("a: " + "[" * 20_000 + "]" * 20_000, "nested too deeply"),
        ("a: " + "{a: " * 20_000, "nested too deeply"),
        ("workspace: w\nevents: {source: 'a\x07b'}", "line 2: the invisible character U+0007 is not allowed"),
        ("workspace: \x1b[31mw", "line 1: the invisible character U+001B is not allowed"),
        ('workspace: "a\\0b"\nevents: {source: e.csv}', "holds no null character"),
        ('workspace: "\\ud800"\nevents: {source: e.csv}', "workspace (line 1)"),
    ],
)
def test_a_hostile_file_has_one_message(tmp_path, text, said):
    file = tmp_path / "shop.yaml"
    file.write_text(text, encoding="utf-8")
    ended = als_here("ingest", "-c", file)
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"error: {file}")
    assert said in ended.stderr
    assert len(ended.stderr.splitlines()) == 2


def numbers_of(model, prefix=""):
    """Yield each key that takes numbers, and whether all of them have an upper bound."""
    for name, field in model.model_fields.items():
        for accepted in types_in(field.rebuild_annotation()):
            if accepted.section is not None:
                yield from numbers_of(accepted.section, f"{prefix}{name}.")
                continue
            inner = [accepted]
            if accepted.origin in (tuple, dict):
                inner = list(types_in(accepted.kind.__args__[0 if accepted.origin is tuple else 1]))
            for one in inner:
                if one.kind in (int, float):
                    yield (
                        f"{prefix}{name}",
                        any(hasattr(limit, "le") or hasattr(limit, "lt") for limit in one.metadata),
                    )


def test_every_number_has_an_upper_bound_or_a_reason():
    keys = list(numbers_of(Config))
    assert len(keys) > 40
    assert {
        key
        for key, is_bounded in keys
        if not is_bounded and key not in UNBOUNDED and key.split(".")[-1] not in COLUMN_KEYS
    } == set()


@pytest.mark.parametrize(
    ("setting", "bound"),
    [
        ("threads=99999", "from 1 to 1024"),
        ("train.factors=99999", "from 1 to 4096"),
        ("train.iterations=99999999", "from 1 to 1000000"),
        ("recommend.top_n=99999999999", "from 1 to 2147483647"),
        ("recommend.block_users=99999999", "from 1 to 1000000"),
        ("evaluate.seed=4294967296", "from 0 to 4294967295"),
        ("evaluate.at=[99999999]", "from 1 to 1000000"),
        ("tune.trials=999999999", "from 1 to 100000"),
        ("train.regularization=1e300", "from 0 to 1000000000"),
        ("events.half_life=328726d", "this is longer than 328725d"),
    ],
)
def test_the_message_names_the_bound(setting, bound):
    with pytest.raises(ConfigError) as caught:
        load_config(None, ["events.source=e.csv", setting], environment={})
    assert setting.partition("=")[0] in caught.value.message
    assert bound in caught.value.message
