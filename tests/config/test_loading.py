"""Layers, precedence, paths, and every mistake at once."""

from datetime import timedelta

import pytest

from als_cli.config.loading import load_config
from als_cli.errors import ConfigError


@pytest.fixture
def write(tmp_path):
    def write(text, name="shop.yaml"):
        file = tmp_path / name
        file.write_text(text, encoding="utf-8")
        return file

    return write


def load(file, *settings, environment=None, **flags):
    return load_config(file, settings, environment=environment or {}, flags=flags)


def test_flag_beats_set_beats_environment_beats_file(write):
    file = write("events: {source: e.csv}\nthreads: 1\ntrain: {seed: 1, factors: 8, iterations: 3}\n")
    environment = {"ALS_TRAIN__SEED": "2", "ALS_TRAIN__FACTORS": "16", "ALS_THREADS": "2", "HOME": "/nowhere"}
    config = load_config(
        file, ["train.factors=32", "threads=3"], environment=environment, flags={"threads": 4}
    )
    assert (config.train.iterations, config.train.seed, config.train.factors, config.threads) == (3, 2, 32, 4)


def test_relative_paths_start_at_the_config_file_and_typed_ones_at_the_working_folder(
    write, tmp_path, monkeypatch
):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    file = write(
        "events: {source: [e/*.csv, {path: f.csv}, -, s3://b/x.parquet]}\nrecommend: {items: {catalog: c.csv}}\n"
    )
    config = load(file, "recommend.output.path=lists", environment={"ALS_WORKSPACE": "w"})
    plain, mapped, stdin, remote = config.events.source
    assert plain == str(tmp_path / "e/*.csv")
    assert mapped.path == str(tmp_path / "f.csv")
    assert (stdin, remote) == ("-", "s3://b/x.parquet")
    assert config.recommend.items.catalog == str(tmp_path / "c.csv")
    assert config.recommend.output.path == str(tmp_path / "elsewhere" / "lists")
    assert config.workspace == str(tmp_path / "elsewhere" / "w")


def test_default_paths_start_at_the_config_file_too(write, tmp_path):
    config = load(write("events: {source: e.csv}\n"))
    assert config.workspace == str(tmp_path / "work")
    assert config.recommend.output.path == str(tmp_path / "out/recommendations")


def test_durations_and_instants(write):
    config = load(
        write("events: {source: e, half_life: 36h}\nevaluate: {split: {by: time, test: 2026-01-02}}\n")
    )
    assert config.events.half_life == timedelta(hours=36)
    assert config.evaluate.split.test.isoformat() == "2026-01-02T00:00:00+00:00"
    dumped = config.model_dump(mode="json")
    assert dumped["events"]["half_life"] == "36h"
    assert type(config).model_validate(dumped) == config


def test_a_duration_below_a_microsecond_is_an_error(write):
    with pytest.raises(ConfigError, match=r"train.demand.half_life.*this is shorter than a microsecond"):
        load(write("events: {source: e}\ntrain: {demand: {half_life: 0.0000001s}}\n"))


def test_a_misspelt_key_is_named_with_line_and_suggestion(write):
    with pytest.raises(ConfigError, match=r"train.factor \(line 3\): unknown key, did you mean factors\?"):
        load(write("events: {source: e}\ntrain:\n  factor: 8\n"))


def test_all_mistakes_come_at_once(write):
    file = write(
        "events: {source: e, colums: {}}\ntrain: {factors: 0, regularization: .nan}\n"
        "evaluate: {split: {by: tim}}\nrecommend: {output: {format: parkuet}}\n"
    )
    with pytest.raises(ConfigError) as caught:
        load(file, "train.seed=x")
    joined = "\n".join(caught.value.problems)
    for part in (
        "events.colums (line 1): unknown key, did you mean columns?",
        "train.factors (line 2)",
        "train.regularization (line 2)",
        "train.seed (--set train.seed)",
        "evaluate.split.by (line 3)",
        "recommend.output.format (line 4)",
    ):
        assert part in joined


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("train.factors", "no value given"),
        ("train.=1", "is not a key"),
        ("trian.factors=1", "did you mean train"),
    ],
)
def test_a_bad_set_is_named(write, setting, says):
    with pytest.raises(ConfigError, match=says):
        load(write("events: {source: e}\n"), setting)


def test_an_unknown_environment_variable_of_ours_is_an_error(write):
    with pytest.raises(ConfigError, match=r"trian \(ALS_TRIAN__FACTORS\): unknown key, did you mean train\?"):
        load(write("events: {source: e}\n"), environment={"ALS_TRIAN__FACTORS": "3"})


def test_a_missing_file_suggests_its_neighbour(write, tmp_path):
    write("events: {source: e}\n")
    with pytest.raises(ConfigError, match="does not exist") as caught:
        load(tmp_path / "shp.yaml")
    assert "shop.yaml" in caught.value.hint


@pytest.mark.parametrize("text", ["", "# nothing\n", "- a\n- b\n", "just words\n"])
def test_a_file_without_keys_is_an_error(write, text):
    with pytest.raises(ConfigError, match=r"shop\.yaml (is empty|holds no keys)"):
        load(write(text))


def test_events_source_is_required(write):
    with pytest.raises(ConfigError, match="events: this key is required"):
        load(write("train: {factors: 8}\n"))


@pytest.mark.parametrize("value", ["'8'", "8.5", "true", "no"])
def test_types_are_not_guessed(write, value):
    with pytest.raises(ConfigError, match=r"train\.factors"):
        load(write(f"events: {{source: e}}\ntrain: {{factors: {value}}}\n"))
