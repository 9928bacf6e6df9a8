"""YAML the way people expect it."""

import pytest

from als_cli.config.yaml_text import parse_value, parse_yaml, write_value
from als_cli.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-2", 0.01),
        ("1E3", 1000.0),
        (".5", 0.5),
        ("-3", -3),
        ("010", 10),  # decimal, not octal
        ("1_000", "1_000"),
        ("no", "no"),
        ("on", "on"),
        ("yes", "yes"),
        ("true", True),
        ("False", False),
        ("12:30:45", "12:30:45"),  # not a base-60 number
        ("null", None),
        ("-", "-"),
        ("[a, 2]", ["a", 2]),
        ("2026-01-31T06:00:00Z", "2026-01-31T06:00:00Z"),
    ],
)
def test_scalars_mean_what_they_say(text, value):
    parsed = parse_value(text, "test")
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    "text", ["\u202egnp.exe", "caf\u00e9 \u2066x", "\\u202e 'a' \"b\" \u2069", "\x1b\x9b\u2028"]
)
def test_text_that_controls_the_terminal_is_written_as_escapes(text):
    for value in (text, [text, 1], {text: text}):
        written = write_value(value)
        assert written.isprintable()
        assert parse_value(written, "test") == value


def test_a_repeated_key_names_both_lines():
    with pytest.raises(
        ConfigError, match=r"shop.yaml, line 4: key train.seed is repeated \(first on line 2\)"
    ):
        parse_yaml("train:\n  seed: 1\n  factors: 2\n  seed: 3\n", "shop.yaml")


def test_a_tab_is_named_with_its_line():
    with pytest.raises(ConfigError, match=r"shop\.yaml, line 2: a tab") as caught:
        parse_yaml("train:\n\tseed: 1\n", "shop.yaml")
    assert "spaces" in caught.value.hint


def test_broken_syntax_names_the_line():
    with pytest.raises(ConfigError, match=r"shop\.yaml, line 1: the list that starts with `\["):
        parse_yaml("train: [1, 2\nevents: {}\n", "shop.yaml")


def test_python_objects_are_not_built():
    with pytest.raises(ConfigError):
        parse_yaml("x: !!python/object/apply:os.system ['true']", "shop.yaml")


def test_every_value_has_a_line():
    lines = parse_yaml("a:\n  b: 1\n  c:\n    - x\n    - y\n", "t").lines
    assert lines == {("a",): 1, ("a", "b"): 2, ("a", "c"): 3, ("a", "c", 0): 4, ("a", "c", 1): 5}


def test_keys_are_text_as_it_is_written():
    tree = parse_yaml("1: a\n007: b\nnull: c\ntrue: {2026-01-31: d, 1.50: e}\n", "t").tree
    assert tree == {"1": "a", "007": "b", "null": "c", "true": {"2026-01-31": "d", "1.50": "e"}}
