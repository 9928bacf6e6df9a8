"""The first config of a new user for a real file gives plausible lists, or a hint that leads to them.

Every step runs the command. If it fails, the test changes only what the hint says.
"""

import re
import subprocess
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from als_cli.config.yaml_text import parse_value, write_yaml
from tests.in_process import als_here
from tests.newcomers import files

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"

QUICK = {
    "train.factors": 16,
    "train.iterations": 5,
    "train.regularization": 0.01,
    "train.unobserved_weight": 0.1,
}
"""Fixed settings, because the search for settings takes minutes on the public data sets and is not tested here."""


class Job:
    """A config file that the test extends as the hints say."""

    def __init__(self, folder: Path, config: dict[str, Any]) -> None:
        self.folder = folder
        self.config = {"workspace": "work"} | config
        for key, value in (QUICK | {"recommend.output.path": "lists.parquet"}).items():
            self.set(key, value)

    def set(self, key: str, value: Any) -> None:
        """Set a dotted key of the config."""
        *sections, name = key.split(".")
        place = self.config
        for section in sections:
            place = place.setdefault(section, {})
        place[name] = value

    def run(self) -> subprocess.CompletedProcess[str]:
        (self.folder / "job.yaml").write_text(write_yaml(self.config), encoding="utf-8")
        return als_here("run", "-c", "job.yaml", cwd=self.folder)

    def fails(self, exit_code: int, *pieces: str) -> str:
        """Run the job, and return the hint of its only error. The message contains `pieces`."""
        ended = self.run()
        assert ended.returncode == exit_code, ended.stderr
        for piece in pieces:
            assert piece in ended.stderr
        (hint,) = re.findall(r"^hint: (.*)$", ended.stderr, re.MULTILINE)
        return hint

    def obey(self, hint: str, key: str) -> None:
        """Set `key` to the first value that `hint` names."""
        found = re.search(rf"\b{re.escape(key)}: ('(?:[^']|'')*'|[^\s,;]+)", hint)
        assert found, hint
        self.set(key, parse_value(found[1], "hint"))

    def succeeds(self, *warnings: str) -> pl.DataFrame:
        """Run the job, and return the lists. stderr has one warning for each of `warnings`, and no other warning."""
        ended = self.run()
        assert ended.returncode == 0, ended.stderr
        said = [line for line in ended.stderr.splitlines() if line.startswith("warning: events")]
        assert len(said) == len(warnings), ended.stderr
        for line, piece in zip(said, warnings, strict=True):
            assert piece in line
        self.warnings = said
        lists = pl.read_parquet(self.folder / "lists.parquet")
        assert lists.group_by("user_id").agg(pl.col("item_id").n_unique() == pl.len())["item_id"].all()
        return lists


@pytest.fixture
def job(tmp_path):
    """Return a function that makes a job in the folder of its files."""
    return lambda config: Job(tmp_path, config)


def public(name: str, file: str, tmp_path: Path) -> Path:
    """Return the folder of a public data set, with a link to `file` in `tmp_path`."""
    folder = DATA / name
    if not folder.is_dir():
        pytest.skip(f"the public data set {name} is not beside the checkout")
    (tmp_path / file).symlink_to(folder / file)
    return folder


def fraction_within_groups(lists: pl.DataFrame, user: str, item: str) -> float:
    """Return the fraction of list entries whose item is in the group of the user.

    `user` and `item` are patterns that extract the number from an id.
    """
    numbers = lists.select(
        user=pl.col("user_id").str.extract(user).cast(pl.Int64),
        item=pl.col("item_id").str.extract(item).cast(pl.Int64),
    )
    return float((numbers["user"] % 2 == numbers["item"] % 2).mean())


def test_lastfm_plays_without_header_and_time(job, tmp_path):
    files.write_lastfm(tmp_path / "plays.tsv")
    first = job({"events": {"source": "plays.tsv", "columns": {"user": 1, "item": 2, "value": 4}}})

    hint = first.fails(2, "events.columns.user is column 1, but the first line of", "plays.tsv")
    first.obey(hint, "events.header")
    hint = first.fails(3, "plays.tsv cannot be read: a quote is opened and never closed")
    assert "`quote: none`" in hint
    first.set("events.quote", "none")
    lists = first.succeeds()

    assert lists["user_id"].n_unique() == files.USERS
    users = lists.with_columns(
        user_id=pl.col("user_id").map_elements(lambda text: str(int(text, 16) // 7919), pl.String),
        item_id=pl.col("item_id").map_elements(lambda text: str(int(text[:8], 16)), pl.String),
    )
    first_places = users.filter(pl.col("rank") <= 3)
    assert fraction_within_groups(first_places, r"(\d+)", r"(\d+)") > 0.7


def test_amazon_reviews_as_json_lines(job, tmp_path):
    files.write_amazon(tmp_path / "reviews.json")
    columns = {"user": "reviewerID", "item": "asin", "value": "overall", "timestamp": "unixReviewTime"}
    first = job({"events": {"source": "reviews.json", "columns": columns}})

    first.succeeds("'overall' looks like ratings from 1 to 5")
    first.set("events.where", re.search(r"set events\.where: (.*?);", first.warnings[0])[1])
    lists = first.succeeds()

    assert lists["user_id"].n_unique() == files.USERS
    assert fraction_within_groups(lists.filter(pl.col("rank") <= 3), r"(\d+)", r"(\d+)") > 0.9


def test_shopify_order_lines_with_the_customer_on_the_first(job, tmp_path):
    files.write_shopify(tmp_path / "orders.csv")
    columns = {
        "user": "Email",
        "item": "Lineitem name",
        "value": "Lineitem quantity",
        "timestamp": "Created at",
    }
    first = job({"events": {"source": "orders.csv", "columns": columns}})

    hint = first.fails(3, "more than events.max_bad_fraction 0.05", "null_user:")
    assert "fill in the other lines to keep them" in hint
    first.obey(hint, "events.max_bad_fraction")
    lists = first.succeeds()

    assert lists["user_id"].n_unique() == files.USERS
    assert fraction_within_groups(lists.filter(pl.col("rank") <= 3), r"(\d+)", r"(\d+)") > 0.7


@pytest.mark.realdata
def test_movielens_100k(job, tmp_path):
    public("ml100k", "u.data", tmp_path)
    public("ml100k", "u.item", tmp_path)
    items = {"catalog": "u.item", "columns": {"item": 1, "title": 2}}
    columns = {"user": 1, "item": 2, "value": 3, "timestamp": 4}
    first = job({"events": {"source": "u.data", "columns": columns}, "recommend": {"items": items}})

    # The catalogue is checked before the events are read.
    hint = first.fails(2, "recommend.items.columns.item is column 1", "Toy Story (1995)")
    first.obey(hint, "recommend.items.header")
    hint = first.fails(2, "events.columns.user is column 1, but the first line of", "196, 242, 3, 881250949")
    first.obey(hint, "events.header")
    lists = first.succeeds("'3' looks like ratings from 1 to 5")

    assert lists.height == 943 * 20
    shown = als_here("show", "item", "1", "-c", "job.yaml", cwd=tmp_path)
    assert "Toy Story (1995)" in shown.stdout
    first.set("events.where", '"3" >= 4')
    assert first.succeeds().height == 942 * 20


@pytest.mark.realdata
def test_both_years_of_online_retail(job, tmp_path):
    for year in ("2009-2010", "2010-2011"):
        public("online_retail", f"year_{year}.parquet", tmp_path)
    columns = {"user": "Customer ID", "item": "StockCode", "timestamp": "InvoiceDate", "value": "Quantity"}
    first = job({"events": {"source": "year_*.parquet", "columns": columns}})

    hint = first.fails(2, "year_2010-2011.parquet has no column 'Customer ID'", "did you mean 'CustomerID'?")
    assert "for files with different columns, write {path: " in hint
    first.set(
        "events.source",
        [
            "year_2009-2010.parquet",
            {"path": "year_2010-2011.parquet", "columns": columns | {"user": "CustomerID"}},
        ],
    )
    hint = first.fails(
        3, "rows are bad (22.8%), more than events.max_bad_fraction 0.05", "null_user: 243,007 rows"
    )
    first.obey(hint, "events.max_bad_fraction")
    lists = first.succeeds()

    assert lists.schema["user_id"] == pl.Int64
    assert (lists.group_by("user_id").len()["len"] == 20).all()
    assert lists["item_id"].n_unique() > 500


@pytest.mark.realdata
def test_deskdrop_as_it_is_downloaded(job, tmp_path):
    public("deskdrop", "users_interactions.csv.zip", tmp_path)
    columns = {"user": "personId", "item": "contentId", "timestamp": "timestamp", "type": "eventType"}
    first = job({"events": {"source": "users_interactions.csv.zip", "columns": columns}})

    first.succeeds("all 5 types of events have the same weight")
    found = re.search(r"events\.types: (\{.*?\})", first.warnings[0])
    first.set("events.types", {name: float(weight) for name, weight in parse_value(found[1], "hint").items()})
    lists = first.succeeds()

    assert lists["user_id"].n_unique() == 1895
    assert lists["item_id"].n_unique() > 300
