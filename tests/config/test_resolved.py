"""`als show config`: the printed YAML loads as an equal config, and each value has its origin."""

from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings

from als_cli.config.fields import Section
from als_cli.config.loading import load_config
from als_cli.config.output import OutputConfig
from als_cli.config.resolved import report_of, resolved_lines, resolved_text, without_secrets
from als_cli.config.source import TableFormat
from als_cli.config.yaml_text import write_yaml
from als_cli.errors import ConfigError
from tests.config.configs import used_values
from tests.config.raw_configs import configs
from tests.in_process import als_here, done, failed

CONFIGS = sorted((Path(__file__).parents[2] / "configs").glob("*.yaml"))
FILE_KEYS = {
    "path", "format", "compression", "compression_level", "row_group_rows", "users_per_part", "shards", "partition_by",
    "mode", "key_value",
}  # fmt: skip
"""Keys of `recommend.output` that must be absent if `database` is set."""


def keys_set(value):
    """Return the keys that are set in each section below `value` in which it matters whether a key is absent."""
    found = []
    if isinstance(value, tuple):
        found = [one for entry in value for one in keys_set(entry)]
    elif isinstance(value, Section):
        names = FILE_KEYS if isinstance(value, OutputConfig) else set(TableFormat.model_fields)
        if isinstance(value, OutputConfig) and value.database is None:
            names = {"format"}
        if isinstance(value, (OutputConfig, TableFormat)):
            found = [names & value.model_fields_set]
        found += [one for name in type(value).model_fields for one in keys_set(getattr(value, name))]
    return found


def origins(*arguments, **layers):
    return {one.key: one.origin for one in report_of(resolved_lines(*arguments, **layers)).values}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("configs")
    (place / "far").mkdir()
    return place


@settings(max_examples=300, suppress_health_check=list(HealthCheck))
@given(configs())
def test_the_printed_yaml_loads_as_an_equal_config(folder, tree):
    shop, copy = folder / "shop.yaml", folder / "far" / "copy.yaml"
    shop.write_text(write_yaml(tree), encoding="utf-8")
    try:
        config = load_config(shop, environment={})
    except ConfigError:
        assume(False)
    text = resolved_text(resolved_lines(shop, environment={}), shop)
    assume("***" not in text)
    copy.write_text(text, encoding="utf-8")
    again = load_config(copy, environment={})
    assert used_values(again) == used_values(config)
    assert keys_set(again) == keys_set(config)
    assert resolved_text(resolved_lines(copy, environment={}), copy).count("\n") == text.count("\n")


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_shipped_config_is_printed_and_loads_as_an_equal_config(path, tmp_path):
    ended = als_here("show", "config", "-c", path)
    assert (ended.returncode, ended.stderr) == (0, "")
    (tmp_path / "copy.yaml").write_text(ended.stdout)
    copy, given = (load_config(one, environment={}) for one in (tmp_path / "copy.yaml", path))
    assert used_values(copy) == used_values(given)


def test_the_config_file_is_named_once(tmp_path):
    shop = tmp_path / "shop.yaml"
    shop.write_text("workspace: w\nevents: {source: a.csv}\n")
    lines = als_here("show", "config", "-c", shop).stdout.splitlines()
    assert lines[0] == f"# :5 means line 5 of {shop}"
    assert sum(str(shop) in line for line in lines) == 1
    assert [line.split()[-1] for line in lines[1:4]] == [":1", "default", "default"]
    origins_of = {one["key"]: one["origin"] for one in done("show", "config", "-c", shop)["values"]}
    assert origins_of["workspace"] == f"{shop}:1"


def test_each_value_has_its_origin(tmp_path):
    shop = tmp_path / "shop.yaml"
    shop.write_text(
        "workspace: w\n"
        "events:\n"
        "  source:\n"
        "    - a.csv\n"
        "    - path: b.csv\n"
        "      header: false\n"
        "  separator: ';'\n"
        "  types: {view: 1, cart: 3}\n"
        "evaluate: {split: {test: 7d}}\n"
    )
    found = origins(
        shop,
        ["train.factors=16", "recommend.users={active_since: 30d}"],
        environment={"ALS_TRAIN__ENGINE": "implicit", "ALS_THREADS": "3"},
        flags={"threads": 2},
    )
    assert {key: origin for key, origin in found.items() if origin != "default"} == {
        "workspace": f"{shop}:1",
        "threads": "--threads",
        "events.source[0]": f"{shop}:4",
        "events.source[1].path": f"{shop}:5",
        "events.source[1].header": f"{shop}:6",
        **{
            f"events.source[1].{key}": f"events.{key}" for key in ("format", "separator", "quote", "encoding")
        },
        "events.separator": f"{shop}:7",
        "events.types.view": f"{shop}:8",
        "events.types.cart": f"{shop}:8",
        "train.engine": "ALS_TRAIN__ENGINE",
        "train.factors": "--set",
        "evaluate.split.by": "from the other keys",
        "evaluate.split.test": f"{shop}:9",
        "recommend.users.active_since": "--set",
    }


def test_the_comments_are_aligned_and_yaml_ignores_them(tmp_path):
    shop = tmp_path / "shop.yaml"
    shop.write_text("events: {source: /data/e.csv}\ntrain: {factors: 16}\n")
    ended = als_here("show", "config", "-c", shop, "--set", "train.metric=recall@20")
    lines = ended.stdout.splitlines()
    places = {line.rindex(" # ") for line in lines if line.endswith("# default") and len(line) < 70}
    assert len(places) == 1
    tree = yaml.safe_load(ended.stdout)
    assert tree["train"]["factors"] == 16
    assert tree["train"]["metric"] == "recall@20"
    assert "format" not in tree["events"]


def test_json_has_key_value_and_origin(tmp_path):
    shop = tmp_path / "shop.yaml"
    shop.write_text("events: {source: /data/e.csv}\n")
    values = done("show", "config", "-c", shop, "--set", "train.seed=7")["values"]
    assert {"key": "train.seed", "value": 7, "origin": "--set"} in values
    assert {"key": "events.source", "value": "/data/e.csv", "origin": f"{shop}:1"} in values


def test_a_wrong_config_is_an_error_with_exit_code_2(tmp_path):
    (tmp_path / "shop.yaml").write_text("events: {source: e.csv, halflife: 3d}\n")
    assert "halflife" in failed(2, "show", "config", "-c", tmp_path / "shop.yaml")["message"]


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("postgresql://als:secret@db/shop", "postgresql://als:***@db/shop"),
        ("postgresql://als:${PW}@db/shop", "postgresql://als:${PW}@db/shop"),
        ("postgresql://db/shop?password=secret&x=1", "postgresql://db/shop?password=***&x=1"),
        ("s3://bucket/x?X-Amz-Signature=abc", "s3://bucket/x?X-Amz-Signature=***"),
        ("abfss://c@a.net/x?sig=abc%3D&se=1", "abfss://c@a.net/x?sig=***&se=1"),
        ("Server=x;AccountKey=abc==;y=1", "Server=x;AccountKey=***;y=1"),
        ("md:shop?motherduck_token=${TOKEN}", "md:shop?motherduck_token=${TOKEN}"),
        ("postgresql://db:5432/shop", "postgresql://db:5432/shop"),
        ("a note: see x@y.z", "a note: see x@y.z"),
        (["https://u:p@h/x", "y"], ["https://u:***@h/x", "y"]),
        (3, 3),
    ],
)
def test_secrets_are_hidden(uri, shown):
    assert without_secrets(uri) == shown


def test_a_token_in_the_uri_of_a_database_is_not_printed(tmp_path):
    shop = tmp_path / "shop.yaml"
    shop.write_text(
        "events: {source: e.csv}\n"
        "recommend: {output: {database: {driver: x, uri: 'grpc://db/shop?token=s3cret&tls=1'}}}\n"
    )
    for more in ((), ("--json",)):
        ended = als_here("show", "config", "-c", shop, *more)
        assert ended.returncode == 0
        assert "token=***" in ended.stdout
        assert "s3cret" not in ended.stdout + ended.stderr
