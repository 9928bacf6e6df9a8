"""`--set` and the environment: keys that hold text take it as it is, all other keys take YAML."""

from datetime import timedelta

import pytest

from als_cli.config.loading import load_config
from als_cli.errors import ConfigError
from tests.in_process import als_here
from tests.shop import write_shop

RAW = ["%d.%m.%Y", '"Customer ID" is not null and quantity > 0', "'x' = \"y\"", "yes", "no", "true", "1e3", "2026", "2026-01-31",
       "a: b", "[x", "{x", "#x", "x #y", "*x", "&x", "!x", "@x", "`x`", "> 5", "| x", "- x", "? x", " x ", "\t", "\\d", "'", '"', "a\nb: c", "~", "a=b", "%"]  # fmt: skip


@pytest.fixture
def shop(tmp_path):
    file = tmp_path / "shop.yaml"
    file.write_text("events: {source: e.csv}\n", encoding="utf-8")
    return file


@pytest.mark.parametrize("text", RAW)
def test_a_text_key_takes_any_text_as_it_is(shop, text):
    settings = [f"events.encoding={text}", f"events.timestamp_format={text}"]
    events = load_config(shop, settings, environment={}).events
    assert (events.encoding, events.timestamp_format) == (text, text)
    environment = {"ALS_EVENTS__ENCODING": text, "ALS_EVENTS__TIMESTAMP_FORMAT": text}
    events = load_config(shop, environment=environment).events
    assert (events.encoding, events.timestamp_format) == (text, text)


def test_a_quoted_condition_needs_no_other_quotes(shop):
    text = "\"Customer ID\" is not null and country = 'x'"
    assert load_config(shop, [f"events.where={text}"], environment={}).events.where == text


def test_paths_are_text_too(shop, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = [
        "workspace=2026",
        "recommend.output.path=[x",
        "tune.output=#1.yaml",
        "recommend.items.catalog=*.csv",
    ]
    config = load_config(shop, settings, environment={})
    assert config.workspace == str(tmp_path / "2026")
    assert config.recommend.output.path == str(tmp_path / "[x")
    assert config.tune.output == str(tmp_path / "#1.yaml")
    assert config.recommend.items.catalog == str(tmp_path / "*.csv")


@pytest.mark.parametrize("text", ["null", ""])
def test_null_and_nothing_take_an_optional_text_away(tmp_path, text):
    file = tmp_path / "shop.yaml"
    file.write_text(
        "events: {source: e.csv, where: a > 1, half_life: 3d}\ntune: {output: x.yaml}\n", encoding="utf-8"
    )
    settings = [f"events.where={text}", f"events.half_life={text}", f"tune.output={text}"]
    config = load_config(file, settings, environment={})
    assert (config.events.where, config.events.half_life, config.tune.output) == (None, None, None)


def test_an_empty_path_is_refused(shop):
    with pytest.raises(ConfigError, match=r"workspace \(ALS_WORKSPACE\): a path is not empty"):
        load_config(shop, environment={"ALS_WORKSPACE": ""})


def test_words_out_of_a_list_are_text_and_spaces_around_the_sign_do_not_count(shop):
    config = load_config(shop, ["train.engine = implicit", "events.half_life = 3d"], environment={})
    assert (config.train.engine, config.events.half_life) == ("implicit", timedelta(days=3))
    with pytest.raises(
        ConfigError, match=r"train\.engine \(--set train\.engine\): expected one of .*, got '\[x'"
    ):
        load_config(shop, ["train.engine=[x"], environment={})


def test_all_other_keys_take_yaml(shop):
    settings = ["train.factors=8", "train.budget.memory=1e1", "evaluate.at=[5]", "events.types.view=2", "events.types.buy=.5",
                "events.columns.user=1", "events.columns.type='1'", "events.header=false", "recommend.users={active_since: 3d}",
                "evaluate.candidates=null", "events.source=[a.csv, 'b #1.csv']"]  # fmt: skip
    config = load_config(shop, settings, environment={})
    assert (config.train.factors, config.train.budget.memory, config.evaluate.at) == (8, 10.0, (5,))
    assert config.events.types == {"view": 2.0, "buy": 0.5}
    assert (config.events.columns.user, config.events.columns.type, config.events.header) == (1, "1", False)
    assert config.recommend.users.active_since == timedelta(days=3)
    assert config.evaluate.candidates is None
    assert config.events.source[1].endswith("b #1.csv")


def test_a_key_in_an_alternative_section_is_known(shop, tmp_path):
    config = load_config(
        shop, ["recommend.users.file=[u", "evaluate.split.by=file", "evaluate.split.path=%"], environment={}
    )
    assert config.recommend.users.file.endswith("/[u")
    assert config.evaluate.split.path.endswith("/%")


def test_an_unknown_key_is_told_before_its_value_is_read(shop):
    with pytest.raises(
        ConfigError, match=r"trian \(--set trian\.engine\): unknown key, did you mean train\?"
    ):
        load_config(shop, ["trian.engine=[x"], environment={})


def test_a_quoted_condition_selects_rows(tmp_path):
    config = write_shop(tmp_path)
    ended = als_here(
        "ingest",
        "-c",
        config,
        "--set",
        "events.where=\"user_id\" in ('u001', 'u002') and event <> 'purchase'",
        "--json",
    )
    assert ended.returncode == 0, ended.stderr
    assert '"users": 2,' in ended.stdout
