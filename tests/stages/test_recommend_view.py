"""The report of `recommend` as a person reads it."""

import io

import pytest
from rich.console import Console

from als_cli.console.views.recommend import render_recommend
from als_cli.stages.recommend import recommend
from tests.stages.tea_shop import open_shop


def text_of(report):
    console = Console(file=io.StringIO(), width=80)
    console.print(render_recommend(report))
    return console.file.getvalue()


def test_says_who_got_what_and_who_fell_short(tmp_path, caplog):
    (tmp_path / "users.csv").write_text("user_id\nzoe\nann\ndot\n", encoding="utf-8")
    (tmp_path / "items.csv").write_text("item_id\ncup\ntea\nnew\n", encoding="utf-8")
    section = {
        "top_n": 2,
        "users": {"file": str(tmp_path / "users.csv")},
        "items": {"catalog": str(tmp_path / "items.csv")},
    }
    text = text_of(recommend(open_shop(tmp_path, **section)))
    assert "wrote 4 slots in lists of up to 2 for 3 users" in text
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "1 from trained factors" in lines
    assert "1 popular" in lines
    assert "1 list not full: too few candidates" in lines
    assert "2 items could be recommended; 1 more of the catalogue has no events yet" in lines
    assert "1 of 3 users got fewer than 2 items: 1 too_few_candidates" in caplog.text


@pytest.mark.parametrize("output", ["lists.csv", "lists"])
def test_names_the_output(tmp_path, output):
    report = recommend(open_shop(tmp_path, top_n=1, output={"path": str(tmp_path / output)}))
    assert str(tmp_path / output) in text_of(report).replace("\n", "")


def test_counts_add_up(tmp_path):
    report = recommend(open_shop(tmp_path, top_n=3))
    assert report.model_dump()["shortfall"] == {"too_few_candidates": 3}
    assert report.rows == 3 * report.users - 3
