"""The config that `als init` writes: exact text, and texts that the loader of configs always accepts."""

import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from als_cli.config.loading import load_config
from als_cli.config.modeline import SCHEMA_MODELINE
from als_cli.errors import DataError
from als_cli.stages.init import init, look
from tests.event_shapes import ga4_export, retail_rocket

GOLDEN = Path(__file__).parent / "golden"


def written(events, folder, **stated):
    looked = look(str(events))
    target = folder / "als.yaml"
    init(looked, looked.survey(stated), target, force=True)
    return target


@pytest.mark.parametrize(("make", "name"), [(retail_rocket, "retail_rocket.yaml"), (ga4_export, "ga4.yaml")])
def test_the_text_of_a_config_is_the_stored_one(tmp_path, monkeypatch, make, name):
    folder = tmp_path / "shop"  # it names the job of a file events.csv
    folder.mkdir()
    monkeypatch.chdir(folder)
    events = make(folder).relative_to(folder)
    text = written(events, Path()).read_text(encoding="utf-8")
    assert text == (GOLDEN / name).read_text(encoding="utf-8")
    assert text.splitlines()[0] == SCHEMA_MODELINE


NAMES = st.text(
    st.one_of(
        st.sampled_from("\"'#:{}[]&*!|>%@`-?,\n\t\r \\~\u2028\x85"), st.characters(exclude_categories=["Cs"])
    ),
    max_size=12,
).filter(lambda name: "\0" not in name)
VALUES = st.one_of(
    st.lists(st.integers(-5, 5), min_size=30, max_size=30),
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=6), min_size=30, max_size=30),
    st.lists(
        st.sampled_from(["view", "a: b", "- x", "null", "yes", "# c", "'q\"", "1.0", "~"]),
        min_size=30,
        max_size=30,
    ),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(
    columns=st.dictionaries(NAMES, VALUES, min_size=2, max_size=6),
    suffix=st.sampled_from([".parquet", ".ndjson"]),
    user=st.integers(0, 5),
    item=st.integers(0, 5),
)
def test_no_config_is_written_that_the_loader_rejects(columns, suffix, user, item):
    with tempfile.TemporaryDirectory() as folder:
        events = Path(folder) / f"events{suffix}"
        frame = pl.DataFrame(columns)
        frame.write_parquet(events) if suffix == ".parquet" else frame.write_ndjson(events)
        names = list(columns)
        stated = {"user": names[user % len(names)], "item": names[item % len(names)]}
        looked = look(str(events))
        usable = set(looked.survey({}).main.columns.facts)
        stated = {role: name for role, name in stated.items() if name and name in usable}
        try:
            target = written(events, Path(folder), **stated)
        except DataError as missing:
            assert "no column of" in missing.message  # noqa: PT017 - the only expected failure
            return
        config = load_config(target, environment={})
        assert Path(config.events.source) == events
        for role, name in stated.items():
            assert getattr(config.events.columns, role) == name


@settings(max_examples=40)
@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=60), min_size=2, max_size=12, unique=True
    )
)
def test_any_event_types_are_written_with_their_weights(kinds):
    named = [kind for kind in kinds if pl.Series([kind]).str.strip_chars()[0]] or ["a", "b"]
    rows = range(len(named) * 20)
    frame = pl.DataFrame(
        {
            "user_id": [n % 30 for n in rows],
            "item_id": [n % 23 for n in rows],
            "event": [named[n % len(named)] for n in rows],
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        events = Path(folder) / "events.parquet"
        frame.write_parquet(events)
        config = load_config(written(events, Path(folder)), environment={})
    if config.events.columns.type is not None:
        assert set(config.events.types) == set(named)
