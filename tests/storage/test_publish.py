"""Readers see the old or the new version, never a mixture. Failures leave no files behind."""

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from als_cli.errors import ConfigError, ResourceError, refusals_at
from als_cli.storage import durable
from als_cli.storage.manifest import write_manifest
from als_cli.storage.publish import current_version, staged_file, staged_folder, versions_of

ROOT = Path(__file__).parents[2]


def publish(place, text, keep=2):
    with staged_folder(place, keep=keep) as folder:
        (folder / "a.txt").write_text(text)
        write_manifest(folder, kind="model", key="key", config={})


def texts(place):
    """Return the contents of all versions, staging folders included, the oldest first."""
    return [(p / "a.txt").read_text() for p in sorted(versions_of(place).iterdir())]


def test_the_folder_is_published_only_when_the_block_ends(tmp_path):
    publish(tmp_path / "x", "one")
    with staged_folder(tmp_path / "x") as folder:
        (folder / "a.txt").write_text("two")
        write_manifest(folder, kind="model", key="key", config={})
        assert (tmp_path / "x/a.txt").read_text() == "one"
    assert (tmp_path / "x/a.txt").read_text() == "two"
    assert current_version(tmp_path / "x").parent == tmp_path / ".x.versions"
    assert (tmp_path / "x").resolve() == current_version(tmp_path / "x")


def test_the_link_can_lead_to_a_folder_of_the_version(tmp_path):
    with staged_folder(tmp_path / "x", linked="inner") as folder:
        (folder / "inner").mkdir()
        (folder / "inner/a.txt").write_text("one")
        write_manifest(folder, kind="model", key="key", config={})
    assert [path.name for path in (tmp_path / "x").iterdir()] == ["a.txt"]
    assert current_version(tmp_path / "x") == (tmp_path / "x").resolve().parent


@pytest.mark.parametrize("failure", [ValueError("no"), KeyboardInterrupt()])
def test_a_failure_leaves_the_old_version_and_no_staging(tmp_path, failure):
    publish(tmp_path / "x", "one")
    before = current_version(tmp_path / "x")
    with pytest.raises(type(failure)), staged_folder(tmp_path / "x") as folder:
        (folder / "a.txt").write_text("half")
        raise failure
    assert current_version(tmp_path / "x") == before
    assert texts(tmp_path / "x") == ["one"]


@pytest.mark.parametrize("keep", [1, 2, 4])
def test_the_last_versions_stay(tmp_path, keep):
    for number in range(6):
        publish(tmp_path / "x", str(number), keep)
        assert (tmp_path / "x/a.txt").read_text() == str(number)
        assert texts(tmp_path / "x") == [str(n) for n in range(number - keep + 1, number + 1) if n >= 0]


def test_remains_of_a_killed_run_are_removed_by_the_next(tmp_path):
    killed(tmp_path / "x", "os.rename")
    assert list((tmp_path / ".x.versions").glob(".staging-*/a.txt"))
    (tmp_path / ".x.versions/.link-01234567").symlink_to("nowhere")
    (tmp_path / ".x.versions/.link-mine").symlink_to("nowhere")
    publish(tmp_path / "x", "one")
    names = sorted(path.name for path in (tmp_path / ".x.versions").iterdir())
    assert names == [".link-mine", current_version(tmp_path / "x").name]


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
    assert (tmp_path / "x/a.txt").read_text() == "two"
    publish(tmp_path / "x", "three")
    assert texts(tmp_path / "x") == ["two", "three"]


def test_a_failure_after_the_rename_removes_the_version(tmp_path):
    publish(tmp_path / "x", "one")
    # A link cannot be renamed over a folder that is not empty.
    with pytest.raises(ResourceError), staged_folder(tmp_path / "x") as folder:
        (folder / "a.txt").write_text("two")
        write_manifest(folder, kind="model", key="key", config={})
        (tmp_path / "x").unlink()
        (tmp_path / "x/mine").mkdir(parents=True)
    assert texts(tmp_path / "x") == ["one"]
    assert sorted(p.name for p in tmp_path.iterdir()) == [".x.versions", "x"]


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
    start = steps.index(f"os.rename {version}")
    assert steps[start:] == [
        f"os.rename {version}", "sync .x.versions", "os.symlink", "os.rename x", f"sync {tmp_path.name}",
        f"sync {version}",
    ]  # fmt: skip
    assert steps[:start] == [
        f"sync {tmp_path.name}", "sync manifest.json", "sync a.txt", "sync .before", f"sync .staging-{version}",
    ]  # fmt: skip


def test_new_parent_folders_reach_the_disk(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(durable, "_sync", synced.append)
    durable.make_folder(tmp_path / "a/b/c")
    assert (tmp_path / "a/b/c").is_dir()
    assert synced == [tmp_path, tmp_path / "a", tmp_path / "a/b"]


def test_an_empty_folder_is_replaced(tmp_path):
    (tmp_path / "x").mkdir()
    publish(tmp_path / "x", "one")
    assert (tmp_path / "x/a.txt").read_text() == "one"


@pytest.mark.parametrize(
    "link", ["elsewhere", ".x.versions/mine", ".y.versions/20260101T000000000000-012345"]
)
def test_a_link_that_als_did_not_make_is_not_changed(tmp_path, link):
    (tmp_path / "x").symlink_to(link)
    with pytest.raises(ConfigError, match="x was not made by als"):
        publish(tmp_path / "x", "one")
    assert (tmp_path / "x").readlink() == Path(link)


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


def test_a_partial_file_of_a_killed_run_is_removed_by_the_next(tmp_path):
    for name in (".lists.csv.01234567.partial", ".lists.csv.mine.partial", ".other.csv.01234567.partial"):
        (tmp_path / name).write_text("half")
    with staged_file(tmp_path / "lists.csv") as path:
        path.write_text("one")
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        ".lists.csv.mine.partial", ".other.csv.01234567.partial", "lists.csv",
    ]  # fmt: skip


def test_a_folder_in_the_way_of_a_file_is_named(tmp_path):
    (tmp_path / "lists.csv").mkdir()
    with pytest.raises(ResourceError, match=r"lists.csv is a folder"), staged_file(tmp_path / "lists.csv"):
        pass


def test_a_file_in_the_way_of_a_folder_is_named(tmp_path):
    (tmp_path / "x").write_text("I am a file")
    with pytest.raises(ConfigError, match="x was not made by als"):
        publish(tmp_path / "x", "one")
    with pytest.raises(ResourceError, match="cannot create"):
        publish(tmp_path / "x/deeper", "one")


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


def test_the_message_about_a_link_names_the_link(tmp_path):
    with pytest.raises(ResourceError, match=f"disk of {tmp_path}/link$"), refusals_at(tmp_path):
        raise OSError(errno.ENOSPC, "full", ".shop.versions/1", None, str(tmp_path / "link"))


@pytest.mark.parametrize("kibibytes", [0, 1, 2, 3, 4])
def test_parquet_that_does_not_fit_on_the_disk_is_a_resource_error(tmp_path, kibibytes):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    table = pl.DataFrame({f"column {number}": [number * 0.1, None] for number in range(60)})
    resource.setrlimit(resource.RLIMIT_FSIZE, (kibibytes << 10, before[1]))
    try:
        with pytest.raises(ResourceError, match=str(tmp_path)), refusals_at(tmp_path):
            table.write_parquet(tmp_path / "a.parquet")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_other_system_errors_pass_through(tmp_path):
    with pytest.raises(OSError, match="odd"), refusals_at(tmp_path):
        raise OSError(errno.EINVAL, "odd")
