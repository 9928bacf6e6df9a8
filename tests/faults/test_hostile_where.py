"""Conditions that read other files exit with code 2 and one message, and read and write no file."""

import pytest

from tests.in_process import als_here
from tests.shop import write_shop
from tests.tables.bombs import shared_text

SECRET = "hunter2-launch-code"
READS = "{column} in (select q from read_csv('{file}'))"


@pytest.fixture
def shop(tmp_path):
    (tmp_path / "secret.csv").write_text(f"{SECRET}\n{SECRET}\n", encoding="utf-8")
    return write_shop(tmp_path)


def names_below(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.mark.parametrize(
    ("key", "where", "message"),
    [
        ("events.where", READS.format(column="user_id", file="secret.csv"), "subqueries are not allowed"),
        ("events.where", "sum(ts) > 1", "function 'sum' at character 1 is not allowed"),
        ("events.where", "user_id = 'u001' or", "the condition ends at character 20"),
        (
            "recommend.items.where",
            READS.format(column="title", file="secret.csv"),
            "subqueries are not allowed",
        ),
        ("recommend.items.where", "max(price) = price", "function 'max' at character 1 is not allowed"),
    ],
)
@pytest.mark.parametrize("command", ["ingest", "recommend"])
def test_a_condition_outside_the_language_stops_every_command(shop, command, key, where, message):
    before = names_below(shop.parent)

    result = als_here(command, "-c", shop, "--set", f"{key}={where}", cwd=shop.parent)

    assert result.returncode == 2
    assert result.stdout == ""
    assert f"{key} (--set {key}): " in result.stderr
    assert message in result.stderr
    assert "hint: " in result.stderr
    assert len(result.stderr.splitlines()) == 2
    assert SECRET not in result.stderr
    assert names_below(shop.parent) == before


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_a_column_that_only_the_condition_uses_cannot_exhaust_the_memory(shop, suffix):
    shared_text(shop.with_name(f"text.{suffix}"))
    columns = "events.columns={user: item_id, item: item_id}"
    source = f"events.source=text.{suffix}"
    result = als_here(
        "ingest", "-c", shop, "--set", source, "--set", columns, "--set", "events.types=null",
        "--set", "events.where=user_id <> 'x'", cwd=shop.parent,
    )  # fmt: skip
    assert result.returncode == 3, result.stderr
    assert f"column 'user_id' of {shop.parent}/text.{suffix} expands to 4,294,967,296 bytes" in result.stderr


def test_conditions_of_the_language_keep_their_rows(shop):
    result = als_here(
        "ingest",
        *("-c", shop, "--json"),
        *("--set", "events.where=user_id not in ('u001', 'u002') and item_id like 'i0%'"),
        cwd=shop.parent,
    )

    assert result.returncode == 0, result.stderr
    assert '"where"' in result.stdout
