"""A small part of the fuzzer, and any text as a config or as events: only documented errors leave."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from als_cli.config.loading import load_config
from als_cli.config.yaml_text import parse_value, parse_yaml
from als_cli.errors import ConfigError
from tests.faults.fuzz import ARTIFACTS, TARGETS, run_input, without_stderr
from tests.faults.fuzz_event_files import EVENT_FILES

INPUTS = 40


@pytest.mark.parametrize("target", TARGETS)
def test_mutated_inputs_have_documented_errors(target, tmp_path):
    with without_stderr():
        outcomes = {run_input(1, number, tmp_path, (target,)) for number in range(INPUTS)}
    code = 3 if target in EVENT_FILES else 4 if target in ARTIFACTS else 2
    assert {f"{target} ok", f"{target} {code}"} <= outcomes


def check(error):
    """Check that each text of `error` is one line, and that it has a hint."""
    assert error.hint
    for text in (error.message, error.hint, *error.problems):
        assert len(text.splitlines()) == 1


@given(st.text(st.characters(codec=None), max_size=60))
def test_any_text_is_yaml_or_has_one_message(text):
    for parse in (parse_yaml, parse_value):
        try:
            parse(text, "shop.yaml")
        except ConfigError as wrong:
            check(wrong)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)
SECTIONS = (
    "workspace",
    "threads",
    "keep",
    "train",
    "evaluate",
    "tune",
    "recommend",
    "events",
    "events.source",
)


@given(st.sampled_from(SECTIONS), TREES)
def test_any_value_in_a_section_has_one_message(key, value):
    try:
        load_config(None, environment={}, flags={"events.source": "events.csv"} | {key: value})
    except ConfigError as wrong:
        check(wrong)
