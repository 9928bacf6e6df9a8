"""The contract of all sinks of lists: readers see the old lists or the new ones, whole."""

import polars as pl
import pytest

from als_cli.errors import ArtifactError, ConfigError
from als_cli.storage.versions import earlier_version
from tests.contract.list_outputs import KINDS
from tests.storage.test_sinks import ROWS, SHORT

OTHER = ROWS.with_columns(pl.col("user_id") + 10, score=pl.col("score") * 2)
BOTH = pl.concat([ROWS, OTHER])


@pytest.fixture(params=KINDS)
def output(request, tmp_path):
    return KINDS[request.param](tmp_path, request)


def test_all_blocks_are_published_with_their_shortfall(output):
    output.write(ROWS, OTHER)
    assert output.lists().equals(BOTH)
    assert output.shortfall().equals(pl.concat([SHORT, SHORT]))
    assert output.key() == "key"
    assert [version.manifest.counts for version in output.place().stored()] == [{"users": 2}]


def test_nothing_is_published_before_the_first_run(output):
    assert output.key() is None
    assert output.place().stored() == []
    assert output.place().left_keys() == set()


def test_a_second_run_replaces_the_first_one(output):
    output.write(ROWS, key="one")
    output.write(OTHER, key="two")
    assert output.lists().equals(OTHER)
    assert output.shortfall().equals(SHORT)
    assert output.key() == "two"


def test_lists_without_rows_replace_others(output):
    output.write(ROWS, key="one")
    output.write(ROWS.clear(), key="none")
    assert output.key() == "none"


def test_a_failure_leaves_the_old_lists(output):
    output.write(ROWS, key="old")

    def failing():
        yield OTHER
        assert output.lists().equals(ROWS)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        output.write_from(failing(), key="new")
    assert output.lists().equals(ROWS)
    assert output.key() == "old"
    assert len(output.place().stored()) == 1
    output.write(OTHER, key="new")
    assert output.lists().equals(OTHER)


def test_the_last_versions_stay(output):
    for number in range(4):
        output.write(ROWS, key=f"key {number}", keep=2)
    stored = output.place().stored()
    assert [version.manifest.key for version in stored] == ["key 3", "key 2"]
    assert [version.is_current for version in stored] == [True, False]


def test_a_rollback_publishes_the_version_before_until_the_next_run(output):
    output.write(ROWS, key="one")
    output.write(OTHER, key="two")
    place = output.place()
    place.publish_again(earlier_version(place))
    assert output.lists().equals(ROWS)
    assert output.key() == "one"
    assert place.left_keys() == {"two"}
    with pytest.raises(ArtifactError, match="there is no earlier version"):
        earlier_version(place)
    (newest,) = (version for version in place.stored() if version.manifest.key == "two")
    place.publish_again(newest)
    assert output.lists().equals(OTHER)
    output.write(BOTH, key="three")
    assert place.left_keys() == set()
    assert output.lists().equals(BOTH)


def test_what_als_did_not_make_is_not_replaced(output):
    output.make_foreign()
    with pytest.raises(ConfigError, match=r"als did not make|was not written by als|was not made by als"):
        output.write(ROWS)
