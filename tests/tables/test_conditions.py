"""SQL conditions on tables select the expected rows."""

from datetime import date

import polars as pl
import pytest

from als_cli.errors import ConfigError, DataError
from als_cli.tables.conditions import ROW, mark

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
def test_text_columns_of_numbers_compare_as_numbers(where, wanted):
    assert kept(TEXT, where) == wanted


@pytest.mark.parametrize("where", ["price > 1", "code in ('a', 'b')", "lower(name) = 'x'", "stock"])
def test_text_without_rows_gives_no_rows(where):
    assert kept(dict.fromkeys(TEXT, pl.Series([], dtype=pl.String)), where) == []


def test_text_columns_stay_text():
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


@pytest.mark.parametrize(
    "where", ["cast(price as int) > 1", "not price::int = 1", "try_cast(price as int) > cast(price as int)"]
)
@pytest.mark.parametrize("numbers", [None, range(100, 400)])
def test_a_cast_that_fails_names_the_row_and_the_value(where, numbers):
    frame = pl.DataFrame({"price": [str(row) for row in range(300)]})
    frame[200, "price"], frame[250, "price"] = "2,50", "x"
    if numbers is not None:
        frame = frame.with_columns(pl.Series(ROW, numbers))
    with pytest.raises(DataError) as caught:
        mark(frame.lazy(), where, "kept", key="events.where", file="e.csv")
    row = 201 if numbers is None else 300
    assert (
        f"events.where fails in row {row} of e.csv: column 'price' has a value that is not a whole"
        in caught.value.message
    )
    assert '"2,50"' in caught.value.message
    assert "try_cast" in caught.value.hint


def test_a_time_that_cannot_be_read_names_its_row():
    frame = pl.DataFrame({"day": ["2026-01-02", "2026-02-30"]})
    where = "strptime(day, '%Y-%m-%d') > date '2026-01-01'"
    with pytest.raises(
        DataError, match=r"fails in row 2 of e\.csv: column 'day' has a value that is not a date"
    ):
        mark(frame.lazy(), where, "kept", key="events.where", file="e.csv")


def test_try_cast_gives_null_for_values_that_are_no_numbers():
    frame = pl.DataFrame({"price": ["2,50", "3"]})
    marked = mark(frame.lazy(), "try_cast(price as int) = 3", "kept", key="events.where", file="e.csv")
    assert marked.collect()["kept"].to_list() == [False, True]


TYPED = pl.DataFrame(
    {
        "n": [1, 2, None, -4],
        "f": [1.5, 0.0, float("nan"), None],
        "s": ["it's", "b_c", None, "É"],
        "b": [True, False, None, True],
        "d": pl.Series(["2026-01-02 03:00", None, "2020-12-31 00:00", "2021-06-01 00:00"]).str.to_datetime(),
        "day": [date(2026, 1, 2), None, date(2020, 12, 31), date(2021, 6, 1)],
        "Customer ID": [1, None, 3, 4],
        'say "so"': [1, 2, 3, 4],
        "1": [5, 6, 7, 8],
        "order": [1, 2, 3, 4],
        "N": [0, 0, 0, 9],
        "": [1, 2, 3, 4],
    }
)


@pytest.mark.parametrize(
    ("where", "wanted"),
    [
        ('"Customer ID" is not null', [True, False, True, True]),
        ('"say ""so""" >= 3 and "1" < 8', [False, False, True, False]),
        ("`Customer ID` = 1", [True, False, False, False]),
        ('order > 2 or "order" = 1', [True, False, True, True]),
        ('N > 0 and "" = 4', [False, False, False, True]),
        ("s = 'it''s'", [True, False, False, False]),
        ("s like '%''_'", [True, False, False, False]),
        ("s ilike 'B_C' or lower(s) = 'é'", [False, True, False, True]),
        ("s not like 'b%'", [True, False, False, True]),
        ("s ~ '^(a+)+$' or s ~* '^B'", [False, True, False, False]),
        ("n in (1, null)", [True, False, False, False]),
        ("not n in (1, null)", [False, False, False, False]),
        ("n not in (1, 2)", [False, False, False, True]),
        ("n between -5 and 1 + 0 and b", [True, False, False, True]),
        ("n = null or b is not true", [False, True, False, False]),
        ("n / 0 > 1", [True, True, False, False]),
        ("n % 0 = 0 or n // 0 = 0", [False, False, False, False]),
        ("5 / n = 2.5 and 5 // n = 2", [False, True, False, False]),
        ("- n > 3 or + n = 2", [False, True, False, True]),
        (
            "f = f and not f > 1",
            [False, True, False, False],
        ),  # as in polars, NaN equals NaN and is above all numbers
        ("n = 1.0", [True, False, False, False]),
        ("case when n > 1 then b is false else n = 1 end", [True, True, False, False]),
        ("case n when 1 then true when 2 then b end", [True, False, False, False]),
        ("coalesce(n, 7) = 7 or nullif(n, 2) is null", [False, True, True, False]),
        ("cast(s as text) || '!' = 'b_c!'", [False, True, False, False]),
        ("n::text = '2' or try_cast(s as int) = 1", [False, True, False, False]),
        ("abs(n) = 4 and round(f, 1) is null", [False, False, False, True]),
        ("d >= '2021-01-01'::timestamp", [True, False, False, True]),
        ("d > timestamp '2021-01-01' - interval '1 day'", [True, False, False, True]),
        ("day in (date '2026-01-02', '2020-12-31'::date)", [True, False, True, False]),
        ("extract(year from d) = 2020 or month(day) = 6", [False, False, True, True]),
        ("strftime(d, '%Y') = '2026'", [True, False, False, False]),
        ("strptime('02.01.2026', '%d.%m.%Y') < d", [True, False, False, False]),
        ("n > 1 -- more than one\n or /* and */ n = 1", [True, True, False, False]),
        ("TRUE AND NOT FALSE", [True] * 4),
        ("null", [False] * 4),
    ],
)
def test_conditions_select_the_expected_rows(where, wanted):
    assert kept(TYPED, where) == wanted


@pytest.mark.parametrize("where", ["N2 > 0", "S = 'b'", '"customer id" = 1'])
def test_names_are_case_sensitive(where):
    with pytest.raises(ConfigError, match="has no column"):
        kept(TYPED, where)
