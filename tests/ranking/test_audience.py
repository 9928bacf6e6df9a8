"""The users that get a list."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from als_cli.config.recommend import ActiveUsers, UsersFile
from als_cli.errors import DataError
from als_cli.ranking.audience import audience_of
from tests.stages.builders import NEWEST, interactions_of

SHOP = interactions_of([(5, 1), (2, 1), (9, 1), (2, 2)])  # newest: user 5 today, 2 yesterday, 9 two days ago


def listed(tmp_path, text, name="users.txt", **config):
    (tmp_path / name).write_text(text, encoding="utf-8")
    return audience_of(UsersFile.model_validate({"file": str(tmp_path / name)} | config), SHOP)


def test_all_users_in_row_order():
    found = audience_of("all", SHOP)
    assert found.user_ids.to_list() == [2, 5, 9]
    assert found.user_rows.tolist() == [0, 1, 2]


def test_the_instant_itself_counts_as_active():
    assert audience_of(ActiveUsers(active_since=timedelta(days=1)), SHOP).user_ids.to_list() == [2, 5]
    assert audience_of(ActiveUsers(active_since=NEWEST), SHOP).user_ids.to_list() == [5]


def test_a_duration_counts_back_from_the_configured_instant():
    active, later = ActiveUsers(active_since=timedelta(days=2)), NEWEST + timedelta(days=1)
    assert audience_of(active, SHOP, later).user_ids.to_list() == [2, 5]
    assert audience_of(ActiveUsers(active_since=NEWEST), SHOP, later).user_ids.to_list() == [5]
    with pytest.raises(DataError, match="no user was active since 2026-03-02 12:00:00 UTC"):
        audience_of(active, SHOP, NEWEST + timedelta(days=3))


def test_users_of_a_file_are_sorted_including_unknown_users(tmp_path):
    found = listed(tmp_path, "user_id\n9\n7\n2\n9\n1\n")
    assert found.user_ids.to_list() == [1, 2, 7, 9]
    assert found.user_rows.tolist() == [-1, 0, -1, 2]
    assert found.user_rows.dtype == np.int32


def test_a_file_without_header(tmp_path):
    assert listed(tmp_path, "9\n5\n", header=False, column=1).user_ids.to_list() == [5, 9]


def test_rows_without_an_id_are_counted(tmp_path, caplog):
    found = listed(tmp_path, "user_id,note\n9,\n,x\nguest,y\n")
    assert (found.user_ids.to_list(), found.unreadable) == ([9], 2)
    assert "users.txt: 2 rows have no id of type Int64" in caplog.text


def test_whole_floats_are_read_as_integer_ids(tmp_path):
    pl.DataFrame({"user_id": [9.0, None, 2.5]}).write_parquet(tmp_path / "users.parquet")
    found = audience_of(UsersFile(file=str(tmp_path / "users.parquet")), SHOP)
    assert (found.user_ids.to_list(), found.unreadable) == ([9], 2)


def test_no_id_fits(tmp_path):
    with pytest.raises(DataError, match="the file has 'guest', the dataset has 2") as raised:
        listed(tmp_path, "user_id\nguest\n")
    assert "recommend.users.column" in raised.value.hint
