"""The language of `where`: what it refuses and where, and that its description is complete."""

import re
from pathlib import Path

import pytest

from als_cli.config.condition import MAXIMUM_DEPTH, MAXIMUM_OPERANDS, read_condition
from als_cli.config.condition_tokens import MAXIMUM_CHARACTERS
from als_cli.config.condition_words import DATE_PARTS, FUNCTIONS, INFIX, PATTERNS, TYPES
from als_cli.config.loading import load_config
from als_cli.errors import ConfigError

DOCUMENTED = (Path(__file__).parents[2] / "docs/configuration.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("id in (select 1)", "subqueries are not allowed ('select' at character 8)"),
        ("sum(n) > 1", "function 'sum' at character 1 is not allowed"),
        ("n > 1 and roud(n) = 2", "function 'roud' at character 11 is not allowed; a similar one is 'round'"),
        ("t.n > 1", "unexpected '.n' at character 2; write the name of the column alone"),
        ("n = ?", "unexpected '?' at character 5; write the value itself"),
        ("n > 1; drop table x", "unexpected ';' at character 6; write one condition"),
        ("n > 1 as kept", "unexpected 'as' at character 7 instead of an operator"),
        ("", "the condition ends at character 1, where a column"),
        ("n in (m)", "unexpected 'm' at character 7 instead of a number"),
        ("end > 1", "unexpected 'end' at character 1 instead of a column, a value or '(' (put a column of"),
        ("x'61' = n", "unexpected \"'61'\" at character 2 instead of an operator"),
        ("s = 'abc", "the quote at character 5 is never closed"),
        ("n is distinct from m", "unexpected 'distinct' at character 6 instead of 'null', 'true' or 'false'"),
        ("s like t", "unexpected 't' at character 8 instead of a text in single quotes"),
        ("replace(s, t, 'x') = s", "unexpected 't' at character 12 instead of a text in single quotes"),
        ("n::uuid", "unexpected 'uuid' at character 4 instead of one of the types tinyint"),
        ("extract(year, d)", "unexpected ',' at character 13 instead of 'from'"),
        ("extract(century from d)", "unexpected 'century' at character 9 instead of one of year"),
        ("d - interval '1 fortnight'", "interval '1 fortnight' at character 14; write for example '30 days'"),
        ("round(n, 1, 2) = 1", "function 'round' at character 1 takes 1 to 2 arguments, not 3"),
        ("lower()", "function 'lower' at character 1 takes 1 arguments, not 0"),
        ('"*" > 1', "column '*' at character 1 cannot be used"),
        ("n \0 > 1", "unreadable character at character 3"),
        ("(" * 17 + "n" + ")" * 17, f"nested more than {MAXIMUM_DEPTH} levels deep at character 17"),
        (" or ".join(["n = 1"] * 1001), f"more than {MAXIMUM_OPERANDS:,} columns and values"),
        ("nullif(" * 12 + "n" + ", 1)" * 12, f"more than {MAXIMUM_OPERANDS:,} columns and values"),
        ("n" * (MAXIMUM_CHARACTERS + 1), f"longer than {MAXIMUM_CHARACTERS:,} characters"),
    ],
    ids=lambda text: ascii(text[:30]),
)
def test_a_refusal_says_what_and_where(where, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        read_condition(where)


def test_only_recognized_words_are_written_unquoted():
    condition = read_condition(
        "from_date > order and `group` = \"a\"\"b\" /* x */ or not values -- y\n and ſ = 'it''s'"
    )

    assert condition.columns == ("from_date", "order", "group", 'a"b', "values", "ſ")
    assert condition.sql == '"from_date" > "order" AND "group" = "a""b" OR NOT "values" AND "ſ" = \'it\'\'s\''


def test_signs_never_become_a_comment():
    assert read_condition("1 - - n").sql == '1 - - "n"'


def test_words_that_only_look_like_keywords_are_columns():
    # The Kelvin sign lowers to k, so a careless comparison would take this for LIKE.
    assert read_condition("li\N{KELVIN SIGN}e = 1").columns == ("li\N{KELVIN SIGN}e",)


def test_long_lists_are_allowed():
    assert len(read_condition(f"n in ({', '.join(map(str, range(50_000)))})").sql) > 250_000


def test_every_wrong_condition_of_a_config_is_named_before_anything_is_read(tmp_path):
    config = tmp_path / "shop.yaml"
    config.write_text(
        "events: {source: e.csv, where: sum(n) > 1}\nrecommend: {items: {catalog: i.csv, where: n >}}\n"
    )

    with pytest.raises(ConfigError) as caught:
        load_config(config, [], environment={})

    assert [problem.split(": ")[0] for problem in caught.value.problems] == [
        "events.where (line 1)",
        "recommend.items.where (line 2)",
    ]


def test_a_long_condition_is_not_repeated_in_full(tmp_path):
    with pytest.raises(ConfigError) as caught:
        load_config(None, ["events.source=e.csv", f"events.where=n in ({'1, ' * 9000})"], environment={})

    assert len(caught.value.message) < 500


@pytest.mark.parametrize("word", sorted({*FUNCTIONS, *TYPES, *DATE_PARTS, *INFIX, *PATTERNS}))
def test_every_word_is_documented(word):
    language = DOCUMENTED.split("## Conditions")[1].split("\n## ")[0].replace("\\|", "|")

    assert re.search(rf"(?<![\w|=<>~*/!]){re.escape(word)}(?![\w|=<>~*/])", language)
