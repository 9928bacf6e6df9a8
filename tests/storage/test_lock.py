"""One writer per workspace and per output. A killed process does not hold a lock."""

import errno
import fcntl
import json
import logging
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from als_cli import NOTICE
from als_cli.config.root import Config
from als_cli.errors import LockedError, ResourceError
from als_cli.storage import lock
from als_cli.storage.lock import output_lock, workspace_lock
from als_cli.storage.run_locks import run_locks

HOLDER = """
import sys, time
from pathlib import Path
from als_cli.storage import lock
with getattr(lock, sys.argv[1])(Path(sys.argv[2])):
    print("held", flush=True)
    sys.stdin.read()
"""


def start_holder(kind, place):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, kind, str(place)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    return process


@pytest.fixture(params=["workspace_lock", "output_lock"])
def kind(request):
    return request.param


@pytest.fixture
def holder(kind, tmp_path):
    process = start_holder(kind, tmp_path / "place")
    yield process
    process.kill()
    process.communicate()


def lock_file(kind, place):
    return place / ".lock" if kind == "workspace_lock" else place.with_name(f".{place.name}.lock")


def refused(kind, place, **wait):
    with pytest.raises(LockedError) as caught:
        getattr(lock, kind)(place, **wait).__enter__()
    return caught.value


def can_lock(kind, place):
    with getattr(lock, kind)(place):
        return True


def test_a_second_run_fails_and_the_message_names_the_holder(holder, kind, tmp_path):
    message = refused(kind, tmp_path / "place").message
    host = os.uname().nodename
    assert f"another run is using {tmp_path}/place (process {holder.pid} on {host}, started 20" in message
    assert f" UTC: -c {kind} {tmp_path}/place)" in message


def test_a_killed_holder_leaves_no_lock(holder, kind, tmp_path):
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    assert can_lock(kind, tmp_path / "place")


def test_the_lock_can_be_taken_again_after_its_release(kind, tmp_path):
    for _ in range(2):
        assert can_lock(kind, tmp_path / "new" / "place")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff\xfe\x00",
        b"[" * 5000,
        b"{" * 100_000,
        b"process 12 on shop\n",
        b'{"host": 1, "pid": "x"}\n',
        b'{"host":"a","pid":1,"started":"yesterday","command":"als"}\n',
    ],
)
def test_a_garbled_lock_file_does_not_break_the_message(holder, kind, tmp_path, text):
    lock_file(kind, tmp_path / "place").write_bytes(text)
    assert refused(kind, tmp_path / "place").message.endswith("place (unknown process)")


def test_control_characters_of_the_lock_file_are_not_printed(holder, kind, tmp_path):
    file = lock_file(kind, tmp_path / "place")
    fields = json.loads(file.read_text())
    file.write_text(json.dumps(fields | {"command": "als \x1b]0;title\x07 run\n"}))
    assert "als ?]0;title? run?)" in refused(kind, tmp_path / "place").message


def test_the_new_holder_replaces_a_longer_old_line(kind, tmp_path):
    file = lock_file(kind, tmp_path / "place")
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"x" * 10_000)
    with getattr(lock, kind)(tmp_path / "place"):
        assert json.loads(file.read_text())["pid"] == os.getpid()


def test_a_run_waits_for_the_lock_and_says_for_whom(holder, kind, tmp_path, caplog, monkeypatch):
    caplog.set_level(NOTICE, "als_cli")
    monkeypatch.setattr(logging.getLogger("als_cli"), "propagate", True)
    timer = subprocess.Popen(["sh", "-c", f"sleep 0.5; kill -9 {holder.pid}"])
    started = time.monotonic()
    with getattr(lock, kind)(tmp_path / "place", deadline=started + 60):
        waited = time.monotonic() - started
    timer.wait()
    assert 0.3 < waited < 30
    [record] = caplog.records
    assert record.levelno == NOTICE
    assert record.getMessage().startswith(
        f"waiting: another run is using {tmp_path}/place (process {holder.pid} on"
    )


def test_waiting_ends_at_the_deadline(holder, kind, tmp_path):
    started = time.monotonic()
    refused(kind, tmp_path / "place", deadline=started + 0.3)
    assert 0.3 <= time.monotonic() - started < 20


def test_all_paths_of_one_output_use_one_lock(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "linked").symlink_to("real")
    with output_lock(tmp_path / "real/lists"):
        for spelling in (
            "real/lists",
            "real/./lists",
            "real/../real/lists",
            "linked/lists",
            "linked/../linked/lists/",
        ):
            refused("output_lock", Path(f"{tmp_path}/{spelling}"))
        assert can_lock("output_lock", tmp_path / "real/lists.csv")
        assert can_lock("output_lock", tmp_path / "lists")


def test_an_output_and_its_published_link_have_the_same_lock(tmp_path):
    (tmp_path / ".lists.versions").mkdir()
    (tmp_path / "lists").symlink_to(".lists.versions")
    with output_lock(tmp_path / "lists"):
        refused("output_lock", tmp_path / "lists")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lists.lock", ".lists.versions", "lists"]


def test_a_lock_file_that_was_removed_is_made_again(kind, tmp_path, monkeypatch):
    # Between open and flock, a user removes the lock file: the lock of a file without a name protects nothing.
    file = lock_file(kind, tmp_path / "place")
    real_lock, removed = fcntl.flock, []

    def remove_then_lock(descriptor, operation):
        if not removed:
            removed.append(file.unlink())
        real_lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", remove_then_lock)
    with getattr(lock, kind)(tmp_path / "place"):
        assert removed
        refused(kind, tmp_path / "place")


def test_a_link_in_place_of_the_lock_file_is_refused(kind, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("important")
    file = lock_file(kind, tmp_path / "place")
    file.parent.mkdir(exist_ok=True)
    file.symlink_to(victim)
    with pytest.raises(ResourceError, match="is not a regular file"):
        can_lock(kind, tmp_path / "place")
    assert victim.read_text() == "important"


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "folder"])
def test_a_pipe_or_folder_in_place_of_the_lock_file_is_refused(kind, tmp_path, make):
    file = lock_file(kind, tmp_path / "place")
    file.parent.mkdir(exist_ok=True)
    make(file)
    with pytest.raises(ResourceError, match="is not a regular file"):
        can_lock(kind, tmp_path / "place")


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS])
def test_a_file_system_without_locks_is_refused(kind, tmp_path, monkeypatch, number):
    def no_locks(descriptor, operation):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(ResourceError, match=f"does not support locks: {os.strerror(number)}") as caught:
        can_lock(kind, tmp_path / "place")
    assert "local disk" in caught.value.hint


@pytest.mark.parametrize(
    ("kind_of_mount", "options", "found"),
    [
        ("nfs", "rw,vers=3,nolock,proto=tcp,local_lock=all", "local_lock=all,nolock"),
        ("nfs", "rw,vers=3,local_lock=flock", "local_lock=flock"),
        ("nfs", "rw,vers=3,local_lock=none", ""),
        ("nfs4", "rw,vers=4.2,local_lock=none", ""),
        ("ext4", "rw,nolock", ""),
    ],
)
def test_nfs_with_locks_of_this_machine_only_is_refused(
    kind, tmp_path, monkeypatch, kind_of_mount, options, found
):
    device = tmp_path.stat().st_dev
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "20 1 999:1 / / rw - ext4 /dev/sda rw\n"
        f"36 20 {os.major(device)}:{os.minor(device)} / /srv\\040shop rw shared:1 - {kind_of_mount} host:/srv {options}\n"
    )
    monkeypatch.setattr(lock, "_MOUNTS", mounts)
    if not found:
        assert can_lock(kind, tmp_path / "place")
        return
    with pytest.raises(ResourceError, match=f"does not support locks: NFS mounted with {found}"):
        can_lock(kind, tmp_path / "place")


def open_files():
    return sorted(int(path.name) for path in Path("/dev/fd").iterdir())


def test_a_refused_or_interrupted_run_closes_the_lock_file(kind, tmp_path, monkeypatch):
    def interrupted(_seconds):
        raise KeyboardInterrupt

    with getattr(lock, kind)(tmp_path / "place"):
        before = open_files()
        refused(kind, tmp_path / "place")
        monkeypatch.setattr(lock.time, "sleep", interrupted)
        with pytest.raises(KeyboardInterrupt):
            getattr(lock, kind)(tmp_path / "place", deadline=time.monotonic() + 60).__enter__()
        assert open_files() == before


def config_of(tmp_path, **sections):
    output = {"output": {"path": str(tmp_path / "lists")}}
    return Config.model_validate(
        {"workspace": str(tmp_path / "work"), "events": {"source": "e.csv"}, "recommend": output} | sections
    )


@pytest.mark.parametrize(
    ("command", "files"),
    [
        ("ingest", [".lock"]),
        ("train", [".lock"]),
        ("evaluate", [".lock"]),
        ("backtest", [".lock"]),
        ("run", [".lists.lock", ".lock"]),
        ("recommend", [".lists.lock"]),
        ("similar", [".lists.lock"]),
        ("audience", [".lists.lock"]),
        ("tune", [".best.yaml.lock", ".lock"]),
    ],
)
def test_each_command_locks_what_it_writes(tmp_path, command, files):
    with run_locks(command, config_of(tmp_path, tune={"output": str(tmp_path / "best.yaml")})):
        assert sorted(path.name for path in tmp_path.rglob(".*lock")) == files


def test_lists_on_stdout_need_no_lock(tmp_path):
    with run_locks("recommend", config_of(tmp_path, recommend={"output": {"path": "-"}})):
        assert list(tmp_path.iterdir()) == []


def test_two_runs_take_their_locks_in_the_same_order(tmp_path):
    # The output is the last lock. A run that waits for it holds no lock that the holder of the output can need.
    config = config_of(tmp_path)
    with output_lock(tmp_path / "lists"):
        with pytest.raises(LockedError, match=r"using .*lists"):
            run_locks("run", config).__enter__()
        assert (tmp_path / "work/.lock").exists()
    with workspace_lock(tmp_path / "work"), pytest.raises(LockedError, match=r"using .*work"):
        run_locks("run", config, timedelta(seconds=0.2)).__enter__()
