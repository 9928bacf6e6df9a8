"""Ids on the command line: negative integers are ids, anything else that starts with a hyphen is an option."""

import json

import polars as pl
import pytest

from tests.in_process import als_here


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("negative")
    pairs = [
        (-922 + user, -(10**18) - item) for user in range(12) for item in range(9) if (user * item) % 4 != 1
    ]
    pl.DataFrame(pairs, schema=["user_id", "item_id"], orient="row").write_csv(folder / "events.csv")
    (folder / "shop.yaml").write_text(
        "events: {source: events.csv}\ntrain: {factors: 4, iterations: 2}\n", encoding="utf-8"
    )
    for command in ("ingest", "train"):
        ended = als_here(command, "-c", folder / "shop.yaml")
        assert ended.returncode == 0, ended.stderr
    return folder


ITEM = str(-(10**18) - 3)


@pytest.mark.parametrize(
    "arguments",
    [
        ["user", "-922", "-c", "shop.yaml"],
        ["user", "-c", "shop.yaml", "-922"],
        ["user", "-c", "shop.yaml", "--threads", "1", "-922", "-v"],
        ["user", "-c", "shop.yaml", "--", "-922"],
        ["item", ITEM, "-c", "shop.yaml"],
        ["item", "-c", "shop.yaml", ITEM],
    ],
)
def test_a_negative_integer_is_an_id(shop, arguments):
    ended = als_here("show", arguments[0], "--json", *arguments[1:], cwd=shop)
    assert ended.returncode == 0, ended.stderr
    shown = json.loads(ended.stdout)
    assert (shown["user_id"] if arguments[0] == "user" else shown["item_id"]) == int(
        "-922" if arguments[0] == "user" else ITEM
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["user", "-x", "-c", "shop.yaml"], "unknown option -x"),
        (["user", "-922x", "-c", "shop.yaml"], "unknown option -9"),
        (["item", "--nonsense", "-c", "shop.yaml"], "unknown option --nonsense"),
        (["user", "-c", "shop.yaml", "--threads", "-1", "-922"], "--threads: expected a whole number of at least 1, got '-1'"),
        (["user", "-922", "-923", "-c", "shop.yaml"], "unexpected on the command line: -923"),
    ],
)  # fmt: skip
def test_real_options_are_still_checked(shop, arguments, says):
    ended = als_here("show", *arguments, cwd=shop)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"error: {says}\n")
    if "unknown option" in says:
        assert "after `--`" in ended.stderr


def test_a_text_id_with_a_hyphen_goes_after_two(shop):
    ended = als_here("show", "user", "-c", "shop.yaml", "--", "-x", cwd=shop)
    assert ended.returncode == 3
    assert "'-x'" in ended.stderr


@pytest.mark.parametrize("count", ["0", "-1", "1.5", "two", "", "1_0", "\u0661", "9" * 30])
def test_counts_are_whole_numbers_from_1(shop, count):
    for command, option in (("train", "--threads"), ("tune", "--trials"), ("recommend", "--top-n")):
        ended = als_here(command, "-c", "shop.yaml", f"{option}={count}", cwd=shop)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert ended.stderr.startswith(
            f"error: {option}: expected a whole number of at least 1, got {count!r}\n"
        )
