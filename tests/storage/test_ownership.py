"""als replaces and removes only its own files. Other files are an error and stay unchanged."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from als_cli.errors import ConfigError
from als_cli.storage.manifest import write_manifest
from als_cli.storage.publish import staged_folder
from als_cli.storage.sinks.publish_lists import published_lists
from tests.storage.test_sinks import ROWS, target, write

ROOT = Path(__file__).parents[2]


def publish(place, text="one"):
    with staged_folder(place) as folder:
        (folder / "a.txt").write_text(text)
        write_manifest(folder, kind="model", key="key", config={})


def tree(folder):
    """Return all paths below `folder`, with the bytes of files and the targets of links."""
    return {
        str(p.relative_to(folder)): str(p.readlink()) if p.is_symlink() else p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_symlink() or p.is_file()
    }


class TestFolder:
    """`versions/` and `current` may belong to another program."""

    def test_versions_of_another_program_are_refused_and_stay(self, tmp_path):
        for name in ("1.0", "1.1", "2.0"):
            (tmp_path / "proj/versions" / name).mkdir(parents=True)
            (tmp_path / "proj/versions" / name / "app.py").write_text(name)
        before = tree(tmp_path)
        for _ in range(2):
            with pytest.raises(ConfigError, match=r"proj/versions/1\.0 was not made by als"):
                write(target(tmp_path / "proj"), [ROWS])
        assert tree(tmp_path) == before

    def test_a_folder_with_a_manifest_of_another_program_is_not_removed(self, tmp_path):
        (tmp_path / "proj/versions/1.0").mkdir(parents=True)
        (tmp_path / "proj/versions/1.0/manifest.json").write_text('{"kind": "extension", "version": 3}')
        with pytest.raises(ConfigError, match="was not made by als"):
            write(target(tmp_path / "proj"), [ROWS])

    def test_a_link_current_of_another_program_stays(self, tmp_path):
        (tmp_path / "releases/3").mkdir(parents=True)
        (tmp_path / "current").symlink_to("releases/3")
        with pytest.raises(ConfigError, match=r"current was not made by als") as caught:
            write(target(tmp_path), [ROWS])
        assert "another path" in caught.value.hint
        assert (tmp_path / "current").readlink() == Path("releases/3")

    def test_other_files_beside_versions_do_not_matter(self, tmp_path):
        (tmp_path / "README").write_text("mine")
        for _ in range(3):
            write(target(tmp_path), [ROWS])
        assert (tmp_path / "README").read_text() == "mine"

    def test_a_version_without_a_manifest_of_als_is_never_removed(self, tmp_path):
        publish(tmp_path)
        (only,) = (tmp_path / "versions").iterdir()
        (only / "manifest.json").unlink()
        for text in ("two", "three", "four"):
            publish(tmp_path, text)
        assert (only / "a.txt").read_text() == "one"

    def test_hidden_files_of_the_system_do_not_matter(self, tmp_path):
        publish(tmp_path)
        (tmp_path / "versions/.DS_Store").write_text("x")
        publish(tmp_path, "two")
        assert (tmp_path / "versions/.DS_Store").read_text() == "x"

    def test_a_staging_folder_that_als_did_not_name_stays(self, tmp_path):
        (tmp_path / "versions/.staging-mine").mkdir(parents=True)
        (tmp_path / "versions/.staging-mine/a").write_text("x")
        publish(tmp_path)
        assert (tmp_path / "versions/.staging-mine/a").read_text() == "x"

    def test_a_folder_in_the_workspace_that_als_did_not_make_is_refused_and_stays(self, tmp_path):
        publish(tmp_path / "work/models")
        (tmp_path / "work/models/versions/x").mkdir()
        (tmp_path / "work/models/versions/x/notes").write_text("mine")
        with pytest.raises(ConfigError, match=r"models/versions/x was not made by als"):
            publish(tmp_path / "work/models")
        assert (tmp_path / "work/models/versions/x/notes").read_text() == "mine"


class TestFile:
    """The lists, their shortfall and their manifest."""

    @pytest.mark.parametrize("name", ["lists.csv", "lists.manifest.json", "lists.shortfall.parquet"])
    def test_a_file_that_als_did_not_write_is_refused_and_stays(self, tmp_path, name):
        (tmp_path / name).write_text('{"mine": true}')
        with pytest.raises(ConfigError, match=rf"{name} was not written by als") as caught:
            write(target(tmp_path / "lists.csv"), [ROWS])
        assert "move it away" in caught.value.hint
        assert tree(tmp_path) == {name: b'{"mine": true}'}

    def test_a_file_beside_the_manifest_of_other_lists_is_refused(self, tmp_path):
        write(target(tmp_path / "lists.csv"), [ROWS])
        (tmp_path / "lists.parquet").write_text("mine")
        with pytest.raises(ConfigError, match=r"lists\.parquet was not written by als"):
            write(target(tmp_path / "lists.parquet"), [ROWS])
        assert (tmp_path / "lists.parquet").read_text() == "mine"

    def test_a_link_to_a_file_is_refused_even_where_it_leads_nowhere(self, tmp_path):
        (tmp_path / "lists.csv").symlink_to(tmp_path / "not mounted yet")
        with pytest.raises(ConfigError, match="was not written by als"):
            write(target(tmp_path / "lists.csv"), [ROWS])
        assert (tmp_path / "lists.csv").is_symlink()

    def test_files_that_als_wrote_are_replaced(self, tmp_path):
        for _ in range(3):
            write(target(tmp_path / "lists.csv"), [ROWS])

    def test_lists_of_one_name_in_several_formats_are_replaced(self, tmp_path):
        for suffix in (".csv", ".parquet", ".csv", ".ndjson", ".parquet", ".csv"):
            write(target(tmp_path / f"lists{suffix}"), [ROWS])
        assert published_lists(target(tmp_path / "lists.csv")).key == "key"
        assert published_lists(target(tmp_path / "lists.parquet")) is None

    def test_a_damaged_file_that_als_wrote_is_replaced(self, tmp_path):
        write(target(tmp_path / "lists.csv"), [ROWS])
        (tmp_path / "lists.csv").write_text("half")
        write(target(tmp_path / "lists.csv"), [ROWS])
        assert published_lists(target(tmp_path / "lists.csv")) is not None


KILLED = """
import io, os, sys
from tests.storage.test_sinks import ROWS, target, write

path, number = sys.argv[1], int(sys.argv[2])
renames = 0

def kill(event, arguments):
    global renames
    if event == "os.rename":
        if renames == number:
            os.kill(os.getpid(), 9)
        renames += 1

sys.addaudithook(kill)
write(target(path), [ROWS])
"""


@pytest.mark.parametrize("name", ["lists.csv", "lists"])
@pytest.mark.parametrize("earlier", [False, True])
def test_killed_before_any_rename_the_next_run_replaces_what_is_there(tmp_path, name, earlier):
    kills = 0
    for number in range(10):
        path = tmp_path / f"{number}" / name
        if earlier:
            write(target(path), [ROWS])
        command = [sys.executable, "-c", KILLED, str(path), str(number)]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert ended.returncode in (0, -9), ended.stderr
        if ended.returncode == 0:
            break
        kills += 1
        found = published_lists(target(path))
        assert found is None or found.key == "key"
        write(target(path), [ROWS])
        assert published_lists(target(path)).key == "key"
    assert kills >= 2


def test_until_all_files_are_there_the_lists_are_not_published(tmp_path):
    # Killed before the last rename: the manifest must not describe the files as complete.
    path = tmp_path / "lists.csv"
    for number in range(3):
        command = [sys.executable, "-c", KILLED, str(path), str(number)]
        assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == -9
        assert published_lists(target(path)) is None
    assert json.loads((tmp_path / "lists.manifest.json").read_text())["key"] != "key"
    write(target(path), [ROWS], stdout=io.BytesIO())
    assert published_lists(target(path)).key == "key"
