"""Texts that stand for a missing value are no users and no items."""

import polars as pl
import pytest

from als_cli.config.loading import load_config
from als_cli.guessing.facts import NULL_TOKENS, facts_of, text_of
from tests.event_shapes import retail_rocket
from tests.in_process import done


def events_with(folder, role, tokens, rows):
    """Write a log in which each of `tokens` is in `rows` rows of the column `role`. Return its path."""
    path = retail_rocket(folder)
    events = pl.read_csv(path).cast(pl.String)
    column = events[role].to_list()
    for number in range(rows * len(tokens)):
        column[number * 17 % len(column)] = tokens[number % len(tokens)]
    events.with_columns(pl.Series(role, column)).write_csv(path)
    return path


def test_tokens_are_blank():
    column = pl.Series("user", ["a", None, " ", *NULL_TOKENS, " NULL ", "nullable", "--"])
    assert text_of(column).drop_nulls().to_list() == ["a", "nullable", "--"]
    facts = facts_of(column.to_frame())["user"]
    assert (facts.distinct, facts.tokens) == (3, NULL_TOKENS)


@pytest.mark.parametrize("role", ["visitorid", "itemid"])
@pytest.mark.parametrize("rows", [1, 30])
def test_a_condition_leaves_all_tokens_out(tmp_path, role, rows):
    path, config = events_with(tmp_path, role, NULL_TOKENS, rows), tmp_path / "als.yaml"
    clean = pl.read_csv(path)
    left = clean.filter(~pl.col(role).is_in(NULL_TOKENS))
    report = done("init", path, "--yes", "--output", config)
    guesses = {guess["key"]: guess for guess in report["guesses"]}
    assert guesses["events.columns.user"]["value"] == "visitorid"
    assert guesses["events.columns.item"]["value"] == "itemid"
    where = load_config(config, environment={}).events.where
    assert where == f"trim({role}) not in ('', {', '.join(map(repr, NULL_TOKENS))})".replace("\\\\", "\\")
    ingested = done("ingest", "-c", config)
    assert ingested["dropped"] == {"where": clean.height - left.height}
    assert (ingested["users"], ingested["items"]) == (left["visitorid"].n_unique(), left["itemid"].n_unique())
    assert ingested["rejected"] == {}


def test_the_comment_names_the_tokens(tmp_path):
    path, config = events_with(tmp_path, "visitorid", ["NULL"], 240), tmp_path / "als.yaml"
    done("init", path, "--yes", "--output", config)
    comment = "# 10% of the rows have no user, but 'NULL'; a recommender cannot use them\n"
    assert comment in config.read_text(encoding="utf-8")


def test_a_few_tokens_of_other_roles_are_tolerated(tmp_path):
    path, config = events_with(tmp_path, "event", ["NULL"], 5), tmp_path / "als.yaml"
    done("init", path, "--yes", "--output", config)
    events = load_config(config, environment={}).events
    assert events.where is None
    assert set(events.types) == {"view", "addtocart", "transaction"}
