"""Readers see the old or the new version, never a mixture. Failures leave no files behind."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from als_cli.errors import ConfigError, ResourceError, refusals_at
from als_cli.storage.manifest import write_manifest
from als_cli.storage.publish import current_version, staged_file, staged_folder

ROOT = Path(__file__).parents[2]


def publish(place, text):
    with staged_folder(place) as folder:
        (folder / "a.txt").write_text(text)
        write_manifest(folder, kind="model", key="key", config={})


def texts(place):
    return [(p / "a.txt").read_text() for p in sorted((place / "versions").iterdir())]


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


def test_the_current_version_and_the_one_before_stay(tmp_path):
    for number in range(5):
        publish(tmp_path / "x", str(number))
        assert (tmp_path / "x/current/a.txt").read_text() == str(number)
        assert texts(tmp_path / "x") == [str(n) for n in (number - 1, number) if n >= 0]


def test_staging_of_a_killed_run_is_cleared_by_the_next(tmp_path):
    killed(tmp_path / "x", "os.rename")
    assert list((tmp_path / "x/versions").glob(".staging-*/a.txt"))
    publish(tmp_path / "x", "one")
    assert texts(tmp_path / "x") == ["one"]


KILLED = """
import os, sys
from pathlib import Path
from tests.storage.test_publish import publish

place, event = Path(sys.argv[1]), sys.argv[2]
sys.addaudithook(lambda name, _: os.kill(os.getpid(), 9) if name == event else None)
publish(place, "orphan")
"""


def killed(place, event):
    """Publish in a process that is killed before its first system call `event`."""
    command = [sys.executable, "-c", KILLED, str(place), event]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == -9, ended.stderr


def test_a_version_that_was_never_current_does_not_evict_a_good_one(tmp_path):
    publish(tmp_path / "x", "one")
    publish(tmp_path / "x", "two")
    killed(tmp_path / "x", "os.symlink")
    assert texts(tmp_path / "x") == ["one", "two", "orphan"]
    assert (tmp_path / "x/current/a.txt").read_text() == "two"
    publish(tmp_path / "x", "three")
    assert texts(tmp_path / "x") == ["two", "three"]


def test_a_failure_after_the_rename_removes_the_version(tmp_path):
    publish(tmp_path / "x", "one")
    # A link cannot be renamed over a folder.
    with pytest.raises(ResourceError), staged_folder(tmp_path / "x") as folder:
        write_manifest(folder, kind="model", key="key", config={})
        (tmp_path / "x/current").unlink()
        (tmp_path / "x/current").mkdir()
    assert texts(tmp_path / "x") == ["one"]
    assert sorted(p.name for p in (tmp_path / "x").iterdir()) == ["current", "versions"]


def test_the_name_reaches_the_disk_before_the_link_moves(tmp_path, monkeypatch):
    steps = []
    sync = os.fsync

    def recording(descriptor):
        steps.append(f"sync {Path(f'/proc/self/fd/{descriptor}').readlink().name}")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", recording)
    listening = True  # a hook cannot be removed

    def hook(event, arguments):
        if listening and event in ("os.rename", "os.symlink"):
            steps.append(f"{event} {Path(arguments[1]).name if event == 'os.rename' else ''}".strip())

    sys.addaudithook(hook)
    publish(tmp_path / "x", "one")
    listening = False
    version = current_version(tmp_path / "x").name
    assert steps[-5:] == [
        f"os.rename {version}", "sync versions", "os.symlink", "os.rename current", "sync x",
    ]  # fmt: skip


def test_a_current_that_als_did_not_make_is_not_changed(tmp_path):
    (tmp_path / "x/current").mkdir(parents=True)
    with pytest.raises(ConfigError, match="current was not made by als"):
        publish(tmp_path / "x", "one")


def test_nothing_published_has_no_version(tmp_path):
    assert current_version(tmp_path / "x") is None


def test_a_file_is_replaced_as_a_whole(tmp_path):
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
def test_system_errors_of_disk_and_permission_are_resource_errors(tmp_path, number, says):
    with pytest.raises(ResourceError, match=says) as caught, refusals_at(tmp_path):
        raise OSError(number, os.strerror(number), str(tmp_path / "f"))
    assert caught.value.hint


def test_other_system_errors_pass_through(tmp_path):
    with pytest.raises(OSError, match="odd"), refusals_at(tmp_path):
        raise OSError(errno.EINVAL, "odd")
