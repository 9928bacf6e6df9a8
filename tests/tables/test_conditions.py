"""SQL conditions on tables, checked row by row."""

import polars as pl
import pytest

from als_cli.errors import ConfigError
from als_cli.tables.conditions import mark

TEXT = {
    "price": ["1", "2.5", None, "10"],
    "code": ["007", "010", "3", "4"],
    "stock": ["true", "False", "true", None],
    "name": ["x", "y", "xz", ""],
}


def kept(table, where):
    return (
        mark(pl.LazyFrame(table), where, "kept", key="events.where", file="e.csv").collect()["kept"].to_list()
    )


@pytest.mark.parametrize(
    ("where", "wanted"),
    [
        ("price > 1.5", [False, True, False, True]),
        ("price in (1, 10)", [True, False, False, True]),
        ("price is null", [False, False, True, False]),
        ("code = '010'", [False, True, False, False]),
        ("code = '010' and price > 2", [False, True, False, False]),
        ("stock", [True, False, True, False]),
        ("not stock", [False, True, False, False]),
        ("name like 'x%' or price = 10", [True, False, True, True]),
        ("1 = 1", [True] * 4),
    ],
)
def test_text_columns_compare_as_what_they_hold(where, wanted):
    assert kept(TEXT, where) == wanted


def test_columns_come_back_as_they_were():
    marked = mark(pl.LazyFrame(TEXT), "price > 1", "kept", key="k", file="e.csv").collect()

    assert marked.drop("kept").equals(pl.DataFrame(TEXT))


def test_typed_tables_keep_their_types():
    table = {"code": ["1", "2"], "price": [1.0, 2.0]}

    assert kept(table, "code = '1'") == [True, False]
    assert kept(table | {"Unit Price": [0, 5]}, '"Unit Price" > 1') == [False, True]


@pytest.mark.parametrize(
    ("where", "message", "hint"),
    [
        ("price >", "unable to parse", "SQL condition"),
        ("price > 1; drop table x", "events.where", "SQL condition"),
        ("prise > 1", "e.csv has no column 'prise'", "did you mean 'price'"),
        ("price + 1", "instead of true or false", "SQL condition"),
        ("name > 5", "cannot be applied to e.csv", "SQL condition"),
        ("price = 'cheap'", "cannot be applied to e.csv", "read as numbers or truth values: price"),
    ],
)
def test_a_wrong_condition_is_one_line_with_a_hint(where, message, hint):
    with pytest.raises(ConfigError) as caught:
        kept(TEXT, where)

    assert message in caught.value.message
    assert "events.where" in caught.value.message
    assert "\n" not in caught.value.message
    assert hint in caught.value.hint
