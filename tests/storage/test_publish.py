"""A reader sees the old version or the new one, never a mixture; failures leave nothing behind."""

import errno
import os

import pytest

from als_cli.errors import ArtifactError, ResourceError, refusals_at
from als_cli.storage.publish import current_version, staged_file, staged_folder


def publish(place, text, **options):
    with staged_folder(place, **options) as folder:
        (folder / "a.txt").write_text(text)


def test_the_folder_becomes_current_only_when_the_block_ends(tmp_path):
    publish(tmp_path / "x", "one")
    with staged_folder(tmp_path / "x") as folder:
        (folder / "a.txt").write_text("two")
        assert (tmp_path / "x/current/a.txt").read_text() == "one"
    assert (tmp_path / "x/current/a.txt").read_text() == "two"
    assert current_version(tmp_path / "x").parent.name == "versions"


@pytest.mark.parametrize("failure", [ValueError("no"), KeyboardInterrupt()])
def test_a_failure_leaves_the_old_version_and_no_staging(tmp_path, failure):
    publish(tmp_path / "x", "one")
    before = current_version(tmp_path / "x")
    with pytest.raises(type(failure)), staged_folder(tmp_path / "x") as folder:
        (folder / "a.txt").write_text("half")
        raise failure
    assert current_version(tmp_path / "x") == before
    assert [p.name for p in (tmp_path / "x/versions").iterdir()] == [before.name]


def test_old_versions_beyond_keep_are_dropped_and_the_current_one_never(tmp_path):
    for number in range(5):
        publish(tmp_path / "x", str(number), keep=3)
    kept = sorted((tmp_path / "x/versions").iterdir())
    assert [(p / "a.txt").read_text() for p in kept] == ["2", "3", "4"]
    assert (tmp_path / "x/current/a.txt").read_text() == "4"


def test_staging_of_a_killed_run_is_cleared_by_the_next(tmp_path):
    stale = tmp_path / "x/versions/.staging-dead"
    stale.mkdir(parents=True)
    (stale / "half").write_text("x")
    publish(tmp_path / "x", "one")
    assert not stale.exists()


def test_a_current_that_is_not_our_link_is_left_alone(tmp_path):
    (tmp_path / "x/current").mkdir(parents=True)
    with pytest.raises(ArtifactError, match="current is not a link"):
        publish(tmp_path / "x", "one")


def test_nothing_published_has_no_version(tmp_path):
    assert current_version(tmp_path / "x") is None


def test_a_file_replaces_the_old_one_whole(tmp_path):
    target = tmp_path / "deep/lists.csv"
    with staged_file(target) as path:
        path.write_text("one")
    with pytest.raises(ValueError, match="no"), staged_file(target) as path:
        path.write_text("half")
        raise ValueError("no")
    assert target.read_text() == "one"
    assert [p.name for p in target.parent.iterdir()] == ["lists.csv"]


def test_a_folder_in_the_way_of_a_file_is_named(tmp_path):
    (tmp_path / "lists.csv").mkdir()
    with pytest.raises(ResourceError, match=r"lists.csv is a folder"), staged_file(tmp_path / "lists.csv"):
        pass


def test_a_file_in_the_way_of_a_folder_is_named(tmp_path):
    (tmp_path / "x").write_text("I am a file")
    with pytest.raises(ResourceError, match="cannot create"):
        publish(tmp_path / "x", "one")


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (errno.ENOSPC, "no space left"),
        (errno.EACCES, "not permitted"),
        (errno.EROFS, "not permitted"),
        (errno.EIO, "Input/output error"),
        (errno.ENOENT, "cannot create"),
    ],
)
def test_refusals_of_the_system_become_resource_errors(tmp_path, number, says):
    with pytest.raises(ResourceError, match=says) as caught, refusals_at(tmp_path):
        raise OSError(number, os.strerror(number), str(tmp_path / "f"))
    assert caught.value.hint


def test_other_system_errors_pass_through(tmp_path):
    with pytest.raises(OSError, match="odd"), refusals_at(tmp_path):
        raise OSError(errno.EINVAL, "odd")
