"""Titles of items in the page, from the events and from the catalogue."""

from pathlib import Path

import polars as pl
import pytest

from als_cli.report.content import report_content
from als_cli.stages.report import artifacts_of
from tests.in_process import done
from tests.report.shops import context_of
from tests.shop import CONFIG, write_shop

TITLED = CONFIG.replace("type: event}", "type: event, title: name}")
NO_CATALOG = TITLED.replace("  items: {catalog: catalog.csv, where: price > 0}\n", "")


def write_titled_shop(folder: Path, config: str) -> Path:
    """Write a shop whose events have titles. Every second row of the catalogue has one."""
    path = write_shop(folder, config)
    events = pl.read_csv(folder / "events.csv").with_columns(name="Event " + pl.col("item_id"))
    events.write_csv(folder / "events.csv")
    catalog = pl.read_csv(folder / "catalog.csv").with_columns(
        number=pl.col("item_id").str.slice(1).cast(int)
    )
    catalog.with_columns(
        pl.when(pl.col("number") % 2 == 0).then("Catalogue " + pl.col("item_id")).alias("title")
    ).drop("number").write_csv(folder / "catalog.csv")
    return path


def titled_items(content) -> set[tuple[str, str]]:
    """Return the title and the id of all items of the page that have both."""
    users = [row for card in content.users.cards for row in (*card.history, *card.recommended)]
    items = [*content.items.cards, *(row for card in content.items.cards for row in card.neighbours)]
    return {(one.title, one.item_id) for one in (*users, *items)}


def other_titles(content) -> set[str]:
    """Return the titles of reasons, of the most listed items and of the map."""
    reasons = {title for card in content.users.cards for row in card.recommended for title, _ in row.reasons}
    points = {point["name"] for point in content.items.map.spec["data"]["values"]}
    return reasons | points | {row[0] for row in content.lists.most_listed.rows}


@pytest.mark.parametrize("has_catalog", [False, True])
def test_titles_of_events_fill_the_gaps_of_the_catalogue(tmp_path, has_catalog):
    config = write_titled_shop(tmp_path, TITLED if has_catalog else NO_CATALOG)
    done("run", "-c", config)
    content = report_content(artifacts_of(context_of(config)), "shop")

    def expected(item_id: str) -> str:
        in_catalog = has_catalog and int(item_id[1:]) % 2 == 0
        return f"{'Catalogue' if in_catalog else 'Event'} {item_id}"

    every = {expected(f"i{number:02}") for number in range(40)}
    assert len(titled_items(content)) >= 20
    assert {title == expected(item_id) for title, item_id in titled_items(content)} == {True}
    assert len(other_titles(content)) >= 20
    assert other_titles(content) <= every
