"""Key-value NDJSON and RESP: the bytes, and what a Redis server makes of them."""

import io
import json
import subprocess
from datetime import timedelta

import polars as pl
import pytest

from als_cli.config.output import KeyValueConfig, OutputConfig
from als_cli.storage.sinks.publish_lists import open_sink
from als_cli.storage.sinks.target import target_of
from tests.servers import redis_server
from tests.storage.test_sinks import LISTS, ROWS, SHORT


def stdout_of(frame, **options):
    stream = io.BytesIO()
    with open_sink(target_of(OutputConfig(path="-", **options)), frame.schema, SHORT.schema, stream) as sink:
        sink.write(frame, SHORT, 2)
        sink.finish("key", {})
    return stream.getvalue()


def slots(user):
    return ROWS.filter(pl.col("user_id") == user).drop("user_id").to_dicts()


def test_a_line_per_user():
    lines = stdout_of(ROWS, format="kv", key_value=KeyValueConfig(prefix="recs:")).splitlines()
    assert list(map(json.loads, lines)) == [
        {"key": "recs:1", "value": slots(1)},
        {"key": "recs:2", "value": slots(2)},
    ]


def test_the_value_of_layout_lists_is_an_object():
    (first, _) = stdout_of(LISTS, format="kv", layout="lists").splitlines()
    assert json.loads(first) == {
        "key": "1",
        "value": {"item_ids": ["a", "b"], "scores": [0.5, 0.25], "sources": ["als", "als"]},
    }


def test_resp_counts_bytes_and_not_characters():
    written = stdout_of(ROWS.tail(1).select("user_id", "item_id"), format="resp")
    assert written == '*3\r\n$3\r\nSET\r\n$1\r\n2\r\n$20\r\n[{"item_id":"pöt"}]\r\n'.encode()


def test_a_column_of_lists_is_a_part_of_each_slot():
    frame = ROWS.with_columns(because=pl.Series([["tea"], ["cup", "pot"], []], dtype=pl.List(pl.String)))
    first = json.loads(stdout_of(frame, format="kv").splitlines()[0])
    assert [slot["because"] for slot in first["value"]] == [["tea"], ["cup", "pot"]]


def test_no_rows_are_no_bytes():
    assert stdout_of(ROWS.clear(), format="resp") == stdout_of(ROWS.clear(), format="kv") == b""


@pytest.mark.parametrize(
    ("name", "options"), [("a.ndjson", {"format": "kv"}), ("a.resp", {}), ("a.ndjson", {})]
)
def test_names_of_files(name, options):
    expected = options.get("format") or {"resp": "resp", "ndjson": "ndjson"}[name[2:]]
    assert target_of(OutputConfig(path=name, **options)).format == expected


@pytest.fixture(scope="module")
def redis():
    with redis_server() as socket:
        yield Redis(socket)


class Redis:
    """The command-line client of Redis."""

    def __init__(self, socket):
        self._client = ["redis-cli", "-s", str(socket)]

    def load(self, commands):
        loaded = subprocess.run([*self._client, "--pipe"], input=commands, capture_output=True, check=True)
        return loaded.stdout.decode().splitlines()[-1]

    def ask(self, *words):
        answer = subprocess.run([*self._client, "--json", *words], capture_output=True, check=True)
        return json.loads(answer.stdout)


class TestRedis:
    """A server that reads the commands from `redis-cli --pipe`."""

    def test_set(self, redis):
        options = KeyValueConfig(prefix="set:", expire=timedelta(days=2))
        commands = stdout_of(ROWS, format="resp", key_value=options)
        assert redis.load(commands) == "errors: 0, replies: 2"
        assert json.loads(redis.ask("GET", "set:1")) == slots(1)
        assert json.loads(redis.ask("GET", "set:2")) == slots(2)
        assert 172_700 < redis.ask("TTL", "set:1") <= 172_800

    @pytest.mark.parametrize(("frame", "layout"), [(ROWS, "rows"), (LISTS, "lists")])
    def test_rpush_replaces_the_list(self, redis, frame, layout):
        options = KeyValueConfig(prefix=f"{layout}:", command="rpush", expire=timedelta(hours=1))
        commands = stdout_of(frame, format="resp", layout=layout, key_value=options)
        for _ in range(2):
            assert redis.load(commands) == "errors: 0, replies: 10"
        expected = ["tea, green", 'a "cup"'] if layout == "rows" else ["a", "b"]
        assert redis.ask("LRANGE", f"{layout}:1", "0", "-1") == expected
        assert 3500 < redis.ask("TTL", f"{layout}:1") <= 3600

    def test_ids_with_line_breaks_and_other_bytes(self, redis):
        frame = pl.DataFrame({"user_id": ["a\r\nb", "ü 1"], "item_id": ["x\ny", "z\t\r\n"]})
        for command in ("set", "rpush"):
            options = KeyValueConfig(prefix=f"odd {command}:", command=command)
            loaded = redis.load(stdout_of(frame, format="resp", key_value=options))
            assert loaded.startswith("errors: 0")
        assert redis.ask("LRANGE", "odd rpush:a\r\nb", "0", "-1") == ["x\ny"]
        assert json.loads(redis.ask("GET", "odd set:ü 1")) == [{"item_id": "z\t\r\n"}]

    def test_many_users(self, redis):
        users = pl.DataFrame({"user_id": range(20_000)}).with_columns(item_id=pl.col("user_id") * 2)
        commands = stdout_of(users, format="resp", key_value=KeyValueConfig(prefix="many:"))
        assert redis.load(commands) == "errors: 0, replies: 20000"
        assert json.loads(redis.ask("GET", "many:777")) == [{"item_id": 1554}]
