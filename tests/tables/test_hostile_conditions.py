"""Conditions that read more than the columns of one row are refused, and open no file and no socket."""

import ctypes
import os
import socket

import polars as pl
import pytest

from als_cli.errors import ConfigError
from als_cli.tables.conditions import mark

TABLE = {"user_id": ["u1", "u2"], "quantity": [1, 2], "price": [1.5, None], "label": ["a", "b"]}
SECRET = "hunter2-launch-code"
IN_OPEN = 0x20

FILES = [
    "user_id in (select q from read_csv('{file}'))",
    "user_id not in (select q from read_csv('{file}'))",
    "user_id = (select q from read_csv('{file}'))",
    "user_id = any (select q from read_csv('{file}'))",
    "exists (select * from read_csv('{file}'))",
    "not exists (select 1 from read_csv('{file}'))",
    "quantity > (select count(*) from read_csv('{file}'))",
    "case when user_id in (select q from read_csv('{file}')) then true end",
    "case when true then (select q from read_csv('{file}')) end = 'x'",
    "coalesce((select q from read_csv('{file}')), 'x') = user_id",
    "cast((select q from read_csv('{file}')) as int) > 1",
    "quantity between 1 and (select q from read_csv('{file}'))",
    "user_id like (select q from read_csv('{file}'))",
    "lower((select q from read_csv('{file}'))) = user_id",
    "user_id in (values ((select q from read_csv('{file}'))))",
    "user_id in (with s as (select q from read_csv('{file}')) select q from s)",
    "user_id in (select q from read_csv('{file}') union select 'x')",
    "user_id in (table '{file}')",
    "user_id in (select q from '{file}')",
    "user_id in (from '{file}')",
    "user_id in (select q from read_parquet('{file}'))",
    "user_id in (select q from read_json('{file}'))",
    "user_id in (select q from read_ipc('{file}'))",
    "user_id in (select q from scan_csv('{file}'))",
    "user_id in (select s.q from read_csv('{file}') s, lateral (select 1) t)",
    "user_id in (read_csv('{file}'))",
    "read_csv('{file}') = user_id",
    "\"read_csv\"('{file}') = user_id",
    "quantity > 1 union select q from read_csv('{file}')",
    "quantity > 1 except select q from read_csv('{file}')",
    "quantity > 1; select q from read_csv('{file}')",
    "1 = 1 /* ' */ and user_id in /* ) */ (select q from read_csv('{file}'))",
    "1 = 1 -- '\n and user_id in (select q from read_csv('{file}'))",
    "label = '\\' or user_id in (select q from read_csv('{file}')) or label = '\\''",
    "label = $$'$$ or user_id in (select q from read_csv('{file}'))",
    "label = e'\\'' or user_id in (select q from read_csv('{file}'))",
    "copy (select 1) to '{file}'",
    "create table t as select q from read_csv('{file}')",
]
NETWORK = [
    "user_id in (select q from read_csv('{url}'))",
    "user_id in (select q from read_parquet('{url}'))",
    "exists (select 1 from '{url}')",
    "read_csv('{url}') = user_id",
]
MANY_ROWS = [
    "sum(quantity) > 1",
    "count(*) > 1",
    "count(quantity) > 1",
    "avg(quantity) > 1",
    "median(quantity) > 1",
    "stddev(quantity) > 1",
    "min(quantity) = quantity",
    "max(quantity) = quantity",
    "first(quantity) = quantity",
    "last(quantity) = quantity",
    "quantile_cont(quantity, 0.5) > 1",
    "quantile_disc(quantity, 0.5) > 1",
    "count(distinct user_id) > 1",
    "array_agg(quantity) = 1",
    "string_agg(label, ',') = 'a,b'",
    "lower(distinct label) = 'a'",
    "lower(label) filter (where quantity > 1) = 'a'",
    "lower(label order by quantity) = 'a'",
    "row_number() over () > 1",
    "row_number() over (order by quantity) > 1",
    "rank() over (order by quantity) > 1",
    "lag(quantity) over (order by quantity) > 1",
    "lead(quantity, 1) > 1",
    "first_value(quantity) over (partition by user_id) > 1",
    "quantity > 1 over (partition by user_id)",
    "lower(label) over () = 'a'",
    "unnest(quantity) > 1",
    "explode(quantity) > 1",
    "quantity = any (array[1, 2])",
    "quantity > all (select 1)",
    "quantity in (1, (select 2))",
    "random() > 0.5",
    "rand() > 0.5",
    "now() > '2020-01-01'",
]
SHAPES = [
    "*",
    "t.quantity > 1",
    "t.* > 1",
    "label.a.b = 1",
    "label[1] = 'a'",
    "label ->> 'x' = 'a'",
    "label -> 'x'",
    "(user_id, label) = ('u1', 'a')",
    "(user_id, label) in (('u1', 'a'))",
    "[1, 2] = label",
    "array[1, 2] = label",
    "{'a': 1} = label",
    "struct(user_id, label) = 'x'",
    "array_contains(label, 'a')",
    "columns('^.*$') > 1",
    '"*" > 1',
    '"^quan.*$" > 1',
    "`*` > 1",
    "quantity = $1",
    "quantity = ?",
    "quantity = :n",
    "quantity = @n",
    "x'61' = label",
    "n'a' = label",
    "u&'a' = label",
    "label collate \"C\" = 'a'",
    "label at time zone 'UTC' = 'a'",
    "repeat(label, 1000000000) = 'a'",
    "lpad(label, 1000000000, 'x') = 'a'",
    "pragma version",
    "set x = 1",
    "drop table t",
    "show tables",
    "explain quantity > 1",
    "quantity > 1 as kept",
    "quantity > 1 kept",
    "quantity > 1 limit 1",
    "quantity > 1 order by quantity",
    "quantity > 1 group by quantity",
    "quantity > 1;",
    "quantity > 1, quantity > 2",
    "quantity > 1 and",
    "(quantity > 1",
    "quantity > 1)",
    "quantity in ()",
    "quantity in (label)",
    "'never closed = 1",
    "/* never closed",
    "quantity > 1 \0",
    "quantity > '\udc80'",
    "quantity::decimal(500, 300) > 1",
    "9223372036854775807::timestamp::text = label",
    "now() - interval '' > '2020-01-01'",
    "",
    "  ",
    "-- nothing",
    "( " * 5000 + "quantity > 1" + " )" * 5000,
    "not " * 5000 + "true",
    "- " * 5000 + "quantity > 1",
    "lower(" * 5000 + "label" + ")" * 5000,
    "case when " * 5000 + "true" + " then true end" * 5000,
    "nullif(" * 15 + "quantity" + ", 1)" * 15 + " > 1",
    " or ".join(["quantity = 1"] * 5000),
    " + ".join(["quantity"] * 5000) + " > 1",
    "quantity = '" + "x" * 1_000_001 + "'",
]


@pytest.fixture
def secret(tmp_path):
    """Return a file, and a function that returns the inotify records of files opened in its folder since then."""
    path = tmp_path / "secret.csv"
    path.write_text(f"{SECRET}\n{SECRET}\n", encoding="utf-8")
    libc = ctypes.CDLL(None, use_errno=True)
    watcher = libc.inotify_init1(os.O_NONBLOCK)
    assert libc.inotify_add_watch(watcher, os.fsencode(tmp_path), IN_OPEN) >= 0, os.strerror(
        ctypes.get_errno()
    )

    def opened():
        try:
            return os.read(watcher, 4096)
        except BlockingIOError:
            return b""

    yield path, opened
    os.close(watcher)


@pytest.fixture
def server():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.2)
        yield listening


def refusal(where):
    with pytest.raises(ConfigError) as caught:
        mark(pl.LazyFrame(TABLE), where, "kept", key="events.where", file="e.csv").collect()
    return caught.value


def is_one_line_with_hint(error):
    return (
        "\n" not in error.message and len(error.message) < 400 and bool(error.hint) and error.exit_code == 2
    )


def test_the_watch_detects_an_opened_file(secret):
    path, opened = secret

    pl.scan_csv(path).collect()

    assert b"secret.csv" in opened()


@pytest.mark.parametrize("where", FILES)
def test_no_condition_opens_a_file(secret, where):
    path, opened = secret

    error = refusal(where.format(file=path))

    assert opened() == b""
    assert SECRET not in f"{error.message} {error.hint} {error.problems}"
    assert is_one_line_with_hint(error)


@pytest.mark.parametrize("where", NETWORK)
def test_no_condition_opens_a_socket(server, where):
    error = refusal(where.format(url=f"http://127.0.0.1:{server.getsockname()[1]}/q.csv"))

    with pytest.raises(TimeoutError):
        server.accept()
    assert is_one_line_with_hint(error)


@pytest.mark.parametrize("where", MANY_ROWS)
def test_conditions_on_several_rows_are_refused(where):
    assert is_one_line_with_hint(refusal(where))


@pytest.mark.parametrize("where", SHAPES, ids=lambda where: ascii(where[:40]))
def test_a_condition_is_one_expression_over_plain_columns(where):
    assert is_one_line_with_hint(refusal(where))
