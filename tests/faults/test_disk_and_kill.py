"""Published artifacts stay complete after a full disk, a read-only disk, and kill -9."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from als_cli.storage.publish import current_version
from tests.in_process import als_here
from tests.shop import write_shop, write_slow_shop

IN_NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]


def namespaces_work():
    if shutil.which("unshare") is None:
        return False
    probe = [*IN_NAMESPACE, "mount -t tmpfs tmpfs /mnt"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


needs_mount = pytest.mark.skipif(
    not namespaces_work(),
    reason="the test mounts a small disk in a user namespace, which this kernel refuses",
)

SCRIPT = """
set -u
mount -t tmpfs -o size=4m tmpfs work
"$0" -m als_cli ingest -c shop.yaml || exit 90
before=$(cd work && find . -type f ! -name .lock -exec sha256sum {{}} + | sort)
{spoil}
"$0" -m als_cli ingest -c shop.yaml
code=$?
after=$(cd work && find . -type f ! -name .lock ! -name filler -exec sha256sum {{}} + | sort)
[ "$before" = "$after" ] || exit 91
exit $code
"""


def spoil(shop, how):
    (shop / "work").mkdir()
    return subprocess.run(
        [*IN_NAMESPACE, SCRIPT.format(spoil=how), sys.executable],
        cwd=shop, capture_output=True, text=True, check=False, timeout=120,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip


@pytest.fixture
def shop(tmp_path):
    write_shop(tmp_path)
    return tmp_path


@needs_mount
def test_a_full_disk_exits_with_code_7_and_keeps_the_dataset(shop):
    ended = spoil(shop, "dd if=/dev/zero of=work/filler bs=1k 2>/dev/null")
    assert ended.returncode == 7, ended.stderr
    assert "no space left" in ended.stderr
    assert "Traceback" not in ended.stderr


@needs_mount
def test_a_read_only_disk_exits_with_code_7_and_keeps_the_dataset(shop):
    # Make only the mount read-only: an ordinary user may not remount the underlying file system.
    ended = spoil(shop, "mount -o remount,bind,ro work || exit 92")
    assert ended.returncode == 7, ended.stderr
    assert "not permitted" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("stage", ["ingest", "train", "evaluate", "recommend"])
def test_a_killed_stage_keeps_the_old_version_and_the_next_run_works(shop, stage):
    config = shop / "shop.yaml"
    assert als_here("run", "-c", config).returncode == 0
    places = [*(shop / "work").iterdir(), shop / "lists"]
    current = {link: link.readlink() for link in places if link.is_symlink()}
    assert len(current) == 4
    contents = {m: m.read_bytes() for m in shop.glob("**/.*.versions/*/manifest.json")}
    for delay in (0.3, 0.6, 0.9):
        process = subprocess.Popen(
            [sys.executable, "-m", "als_cli", stage, "-c", str(config), "--set", "train.iterations=200000"],
            stderr=subprocess.DEVNULL,
        )
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
        for link, target in current.items():
            folder = current_version(link)
            if link.readlink() == target:
                assert (folder / "manifest.json").read_bytes() == contents[folder / "manifest.json"]
            json.loads((folder / "manifest.json").read_text())  # the old or the new version is complete
    ended = als_here("run", "-c", config, "--force")
    assert ended.returncode == 0, ended.stderr
    assert not list(shop.glob("**/.staging-*"))


def test_sigterm_in_training_removes_unfinished_work_and_exits_with_code_143(tmp_path):
    config = write_slow_shop(tmp_path)
    assert als_here("ingest", "-c", config).returncode == 0
    process = subprocess.Popen(
        [sys.executable, "-m", "als_cli", "train", "-c", str(config), "-v"], stderr=subprocess.PIPE, text=True
    )
    assert "iteration 1" in process.stderr.readline()
    process.terminate()
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 143
    assert "Traceback" not in said
    assert not list((tmp_path / "work/.models.versions").iterdir())
