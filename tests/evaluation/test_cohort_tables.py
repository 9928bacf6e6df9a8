"""Tables of users or items: values by id, and errors in the tables."""

from datetime import date

import polars as pl
import pytest

from als_cli.config.evaluate import ItemTable
from als_cli.errors import ConfigError, DataError
from als_cli.evaluation.cohort_tables import read_cohort_table

KEY = "evaluate.cohorts.items"


def table_of(tmp_path, columns):
    path = tmp_path / "items.parquet"
    pl.DataFrame(columns).write_parquet(path)
    return ItemTable(path=str(path), by=tuple(name for name in columns if name != "item_id"))


def read(table, id_type=pl.Int64):
    return read_cohort_table(table, KEY, id_type())


def test_each_type_of_value_becomes_text_and_a_missing_row_none(tmp_path):
    table = table_of(
        tmp_path,
        {
            "item_id": [3, 1, 2],
            "text": ["tea", " ", "pot "],
            "kind": pl.Series(["a", "b", None], dtype=pl.Categorical),
            "number": [7, None, 5],
            "flag": [True, False, None],
            "code": [1.0, 2.5, float("nan")],
            "since": [date(2026, 1, 2), None, None],
        },
    )
    assert read(table).of(pl.Series([1, 2, 3, 4])) == {
        "text": [None, "pot", "tea", None],
        "kind": ["b", None, "a", None],
        "number": [None, "5", "7", None],
        "flag": ["false", None, "true", None],
        "code": ["2.5", None, "1", None],
        "since": [None, None, "2026-01-02", None],
    }


def test_delimited_text_without_header_has_numbered_columns(tmp_path):
    path = tmp_path / "items.csv"
    path.write_text("1;tea\n2;\n", encoding="utf-8")
    table = ItemTable(path=str(path), column=1, by=(2,), header=False)
    assert read(table).of(pl.Series([2, 1])) == {"2": [None, "tea"]}


def test_the_first_row_of_an_id_counts_and_other_rows_are_a_warning(tmp_path, caplog):
    table = table_of(tmp_path, {"item_id": [1, 2, 1, 1, None], "kind": ["a", "b", "c", "d", "e"]})
    assert read(table).of(pl.Series([1, 2])) == {"kind": ["a", "b"]}
    assert "2 rows repeat an id of column 'item_id'; the first row of each id counts" in caplog.text


def test_a_column_may_be_named_twice_and_may_be_the_id(tmp_path):
    table = table_of(tmp_path, {"item_id": [1], "kind": ["a"]})
    twice = table.model_copy(update={"by": ("kind", "kind", "item_id")})
    assert read(twice).of(pl.Series([1])) == {"kind": ["a"], "item_id": ["1"]}


@pytest.mark.parametrize(
    ("columns", "changed", "error", "message"),
    [
        ({"item_id": [1], "kind": ["a"]}, {"by": ("kin",)}, ConfigError, f"{KEY}.by: .* has no column 'kin'"),
        (
            {"item": [1], "kind": ["a"]},
            {"by": ("kind",)},
            ConfigError,
            f"{KEY}.column: .* no column 'item_id'",
        ),
        ({"item_id": [1], "tags": [["a", "b"]]}, {}, ConfigError, r"'tags' of .* has type List\(String\)"),
        ({"item_id": pl.Series([], dtype=pl.Int64), "kind": []}, {}, DataError, "has no rows"),
    ],
)
def test_errors_name_the_key_and_the_file(tmp_path, columns, changed, error, message):
    table = table_of(tmp_path, columns).model_copy(update=changed)
    with pytest.raises(error, match=message) as refused:
        read(table)
    assert refused.value.hint


def test_a_missing_file_is_a_data_error(tmp_path):
    with pytest.raises(DataError, match=r"no such file: .*gone\.csv"):
        read(ItemTable(path=str(tmp_path / "gone.csv"), by=("kind",)))


def test_ids_of_another_type_are_shown_with_those_of_the_dataset(tmp_path):
    table = table_of(tmp_path, {"item_id": ["SKU-1"], "kind": ["a"]})
    with pytest.raises(
        DataError, match=r"none of the 2 ids .* The table has 'SKU-1', the dataset has 17"
    ) as refused:
        read(table).of(pl.Series([17, 18]))
    assert "events.id_types" in refused.value.hint
