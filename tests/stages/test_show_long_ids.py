"""`show` with ids of any length: titles can be read, and numbers are whole."""

import io
from datetime import UTC, datetime

import pytest
from rich.console import Console

from als_cli.console.shortened import ShortenedId
from als_cli.console.views.show import render_item, render_user
from als_cli.ranking.show_reports import (
    DemandHalfLives,
    HistoryItem,
    ItemDemand,
    ItemReport,
    RankedItem,
    UserReport,
)

UUID = "7d444840-9dc0-11d1-b245-5ffdce74fad{}"
PATH = "https://shop.example/catalogue/kitchen/kettles/electric/cordless/item-{}"
TITLE = "Cordless electric kettle of brushed steel, 1.7 l, number {}"
DEMAND = ItemDemand(now=1234.5, long_run=2345.6, trend=0.53)
HALF_LIVES = DemandHalfLives(now=28 * 86_400, long_run=None)


def ranked(form, rank, title=TITLE):
    return RankedItem(
        item_id=form.format(rank),
        title=None if title is None else title.format(rank),
        rank=rank,
        score=0.912,
        demand=DEMAND,
    )


def item_of(form, title=TITLE):
    return ItemReport(
        item_id=form.format(0),
        title=title,
        users=12,
        popularity_rank=1,
        items=9,
        demand=DEMAND,
        half_lives=HALF_LIVES,
        neighbours=tuple(ranked(form, rank, title) for rank in (1, 2, 3)),
    )


def lines_of(renderable, width):
    shown = io.StringIO()
    Console(file=shown, width=width, color_system=None).print(renderable)
    return [line.rstrip() for line in shown.getvalue().splitlines()]


@pytest.mark.parametrize("form", [UUID, PATH])
@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_titles_of_neighbours_have_20_columns_and_ids_keep_both_ends(form, width):
    lines = lines_of(render_item(item_of(form)), width)
    assert max(map(len, lines)) <= width
    rows = [line for line in lines if TITLE[:19] in line and line.lstrip()[0] in "123"]
    assert len(rows) == 3
    assert all(form[:5] in row and row.rstrip().split("…")[-1] for row in rows)
    text = "\n".join(lines).partition("Items like it")[2].partition("demand: users")[0]
    assert [text.count(number) for number in ("0.912", "1,234.5", "2,345.6", "0.53")] == [3, 3, 3, 3]


@pytest.mark.parametrize("width", [80, 120])
def test_ids_are_whole_where_there_is_room(width):
    text = "\n".join(lines_of(render_item(item_of("item-number-{}")), width))
    assert all(f"item-number-{rank}" in text for rank in (1, 2, 3))


def test_without_titles_ids_are_shortened_in_the_middle():
    lines = lines_of(render_item(item_of(PATH, None)), 60)
    assert (
        sum("https://" in line and "…" in line and f"item-{line.split()[0]}" in line for line in lines) == 3
    )


@pytest.mark.parametrize("width", [40, 60, 80, 140])
def test_a_user_has_titles_and_whole_numbers(width):
    history = tuple(
        HistoryItem(
            item_id=UUID.format(n),
            title=TITLE.format(n),
            strength=1234.25,
            last_time=datetime(2026, 1, n, tzinfo=UTC),
        )
        for n in (1, 2, 3)
    )
    report = UserReport(
        user_id="ann",
        source="als",
        wanted=3,
        history=history,
        recommended=tuple(ranked(UUID, rank) for rank in (1, 2, 3)),
        half_lives=HALF_LIVES,
    )
    lines = lines_of(render_user(report), width)
    text = "\n".join(lines)
    assert max(map(len, lines)) <= width
    assert text.count(TITLE[:19]) == 6
    assert text.count("0.912") == text.count("0.53") == 3
    assert all(f"2026-01-0{n}" in text for n in (1, 2, 3))


@pytest.mark.parametrize(
    ("width", "shown"),
    [(20, "abcdefghijklmnop"), (16, "abcdefghijklmnop"), (9, "abcd…mnop"), (8, "abcd…nop")],
)
def test_the_middle_of_an_id_is_left_out(width, shown):
    assert ShortenedId("abcdefghijklmnop").at(width) == shown
