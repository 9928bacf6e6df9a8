"""als replaces and removes only its own files. Other files are an error and stay unchanged."""

import json
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import pytest

from als_cli.errors import ConfigError
from als_cli.storage.manifest import file_sha256, write_manifest
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
    """What is at the published path, or in the folder of the versions, may belong to another program."""

    def test_a_folder_of_another_program_is_refused_and_stays(self, tmp_path):
        (tmp_path / "proj").mkdir()
        (tmp_path / "proj/app.py").write_text("mine")
        before = tree(tmp_path)
        for _ in range(2):
            with pytest.raises(ConfigError, match=r"proj was not made by als") as caught:
                write(target(tmp_path / "proj"), [ROWS])
        assert "another path" in caught.value.hint
        assert tree(tmp_path) == before

    def test_a_folder_with_a_manifest_of_another_program_is_not_removed(self, tmp_path):
        publish(tmp_path / "x")
        mine = tmp_path / ".x.versions/20260101T000000000000-012345"
        mine.mkdir()
        (mine / "manifest.json").write_text('{"kind": "extension", "version": 3}')
        for text in ("two", "three", "four"):
            publish(tmp_path / "x", text)
        assert mine.is_dir()

    def test_other_names_in_the_folder_of_the_versions_stay(self, tmp_path):
        publish(tmp_path / "x")
        for name in (".DS_Store", "notes", "1.0", ".staging-mine", ".link-mine"):
            (tmp_path / ".x.versions" / name).write_text("mine")
        for text in ("two", "three", "four"):
            publish(tmp_path / "x", text)
        for name in (".DS_Store", "notes", "1.0", ".staging-mine", ".link-mine"):
            assert (tmp_path / ".x.versions" / name).read_text() == "mine"

    @pytest.mark.parametrize("name", ["lists.manifest.json", "lists.shortfall.parquet"])
    def test_a_file_beside_the_lists_that_als_did_not_write_is_refused_and_stays(self, tmp_path, name):
        (tmp_path / name).write_text("mine")
        with pytest.raises(ConfigError, match=rf"{name} was not written by als"):
            write(target(tmp_path / "lists"), [ROWS])
        assert tree(tmp_path) == {name: b"mine"}

    def test_a_folder_in_the_workspace_that_als_did_not_make_is_refused_and_stays(self, tmp_path):
        (tmp_path / "work/models").mkdir(parents=True)
        (tmp_path / "work/models/notes").write_text("mine")
        with pytest.raises(ConfigError, match=r"models was not made by als"):
            publish(tmp_path / "work/models")
        assert (tmp_path / "work/models/notes").read_text() == "mine"


class TestFile:
    """The lists, their shortfall and their manifest."""

    @pytest.mark.parametrize("name", ["lists.csv", "lists.csv.manifest.json", "lists.csv.shortfall.parquet"])
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

    def test_lists_of_one_name_in_several_formats_are_separate(self, tmp_path):
        names = [f"lists{suffix}" for suffix in (".csv", ".parquet", ".ndjson", ".arrow")]
        for name in names * 2:
            write(target(tmp_path / name), [ROWS])
        write(target(tmp_path / "lists"), [ROWS])
        assert [published_lists(target(tmp_path / name)).key for name in [*names, "lists"]] == ["key"] * 5

    def test_a_damaged_file_that_als_wrote_is_replaced(self, tmp_path):
        write(target(tmp_path / "lists.csv"), [ROWS])
        (tmp_path / "lists.csv").write_text("half")
        write(target(tmp_path / "lists.csv"), [ROWS])
        assert published_lists(target(tmp_path / "lists.csv")) is not None


KILLED = """
import json, os, sys
from tests.storage.test_sinks import ROWS, target, write

renames = 0

def kill(event, arguments):
    global renames
    if event == "os.rename":
        if renames == number:
            os.kill(os.getpid(), 9)
        renames += 1

for line in sys.stdin:
    path, number, blocks = json.loads(line)
    child = os.fork()  # of one thread: polars starts its own in the new process
    if child == 0:
        sys.addaudithook(kill)
        write(target(path), [ROWS] * blocks)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture(scope="module")
def killed_before():
    """Yield a function that writes lists in a new process, which is killed before its rename `number`.

    The processes are forked from one that has imported the libraries. The function returns the exit code.
    """
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", KILLED]
    with subprocess.Popen(command, cwd=ROOT, stdin=PIPE, stdout=PIPE, text=True, bufsize=1) as parent:

        def write_until(path, number, blocks=1):
            parent.stdin.write(json.dumps([str(path), number, blocks]) + "\n")
            return int(parent.stdout.readline())

        yield write_until
        parent.stdin.close()


@pytest.mark.parametrize("name", ["lists.csv", "lists"])
@pytest.mark.parametrize("earlier", [False, True])
def test_killed_before_any_rename_the_next_run_replaces_what_is_there(tmp_path, killed_before, name, earlier):
    kills = 0
    for number in range(10):
        path = tmp_path / f"{number}" / name
        if earlier:
            write(target(path), [ROWS])
        code = killed_before(path, number)
        assert code in (0, -9)
        if code == 0:
            break
        kills += 1
        found = published_lists(target(path))
        assert found is None or found.key == "key"
        write(target(path), [ROWS])
        assert published_lists(target(path)).key == "key"
    assert kills >= 2


def test_lists_of_a_run_that_was_killed_between_its_renames_are_not_believed(tmp_path, killed_before):
    """The manifest may describe lists that are not there yet, so `run` must make them again."""
    path = tmp_path / "lists.csv"
    write(target(path), [ROWS])
    before = path.read_bytes()
    states = set()
    for number in range(10):
        code = killed_before(path, number, blocks=2)
        found, is_old = published_lists(target(path)), path.read_bytes() == before
        assert found is None or [one.sha256 for one in found.outputs if one.path == path.name] == [
            file_sha256(path)
        ]
        states.add((found is None, is_old))
        if code == 0:
            break
        write(target(path), [ROWS])
        assert path.read_bytes() == before
    assert states == {(False, True), (True, True), (False, False)}
