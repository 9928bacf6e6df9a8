"""Any sequence of publications, rollbacks, kills and reads: readers find whole lists, and versions are counted right."""

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import polars as pl
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from als_cli.errors import ArtifactError
from als_cli.storage.sinks.publish_lists import published_lists
from als_cli.storage.versions import Place, earlier_version
from tests.storage.test_sinks import ROWS, target, write

KEEP = 3
CHANGES = {
    Path: ("rename", "replace", "symlink_to", "touch", "mkdir", "unlink", "rmdir"),
    os: ("link", "fsync"),
    shutil: ("rmtree",),
}
"""Functions that change the disk."""


class Killed(BaseException):
    """The process was killed. Nothing more changes on the disk, so cleaning up fails too."""


@contextmanager
def killed_at(step):
    """Let the functions of CHANGES raise Killed from the call number `step` on."""
    calls = 0

    def wrapped(function):
        def call(*arguments, **options):
            nonlocal calls
            calls += 1
            if calls > step:
                raise Killed
            return function(*arguments, **options)

        return call

    with contextmanager(_patched)(wrapped):
        yield


def _patched(wrapped):
    patches = [
        mock.patch.object(place, name, wrapped(getattr(place, name)))
        for place, names in CHANGES.items()
        for name in names
    ]
    for patch in patches:
        patch.start()
    try:
        yield
    finally:
        for patch in patches:
            patch.stop()


class Publishing(RuleBasedStateMachine):
    """Lists in a folder or in a file. The number of blocks tells the versions apart."""

    name = ""

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.target = target(self.folder / self.name, keep=KEEP)
        path = self.folder / self.name
        self.place = Place("recommendations", path, is_file=self.name.endswith(".parquet"), linked=self.name)
        self.published = []
        """Numbers of blocks of all versions that were published, in this order."""
        self.current = None

    def teardown(self):
        shutil.rmtree(self.folder)

    def _read(self):
        path = self.folder / self.name
        if not path.exists():
            return None
        lists = pl.read_parquet(path)
        assert lists.height % ROWS.height == 0
        return lists.height // ROWS.height

    @rule(blocks=st.integers(1, 9))
    def publish(self, blocks):
        write(self.target, [ROWS] * blocks, key=f"key {blocks}")
        self.current = blocks
        assert published_lists(self.target).key == f"key {blocks}"
        assert self.place.left_keys() == set()
        assert len(self.place.stored()) <= KEEP
        left = [path.name for path in self.folder.rglob(".*") if path.name.startswith((".staging", ".link"))]
        assert left == []

    @rule(blocks=st.integers(1, 9), step=st.integers(0, 40))
    def publish_and_be_killed(self, blocks, step):
        before = self.current
        try:
            with killed_at(step):
                write(self.target, [ROWS] * blocks, key=f"key {blocks}")
        except Killed:
            pass
        self.current = self._read()
        assert self.current in (before, blocks)

    @precondition(lambda self: self.current is not None)
    @rule(step=st.integers(0, 12), is_killed=st.booleans())
    def roll_back_to_the_version_before(self, step, is_killed):
        try:
            earlier = earlier_version(self.place)
        except ArtifactError:
            return
        expected = int(earlier.manifest.key.removeprefix("key "))
        before = self.current
        try:
            with killed_at(step if is_killed else 10_000):
                self.place.publish_again(earlier)
            assert self._read() == expected
            assert f"key {before}" in self.place.left_keys()
        except Killed:
            assert is_killed
        self.current = self._read()
        assert self.current in (before, expected)

    @invariant()
    def readers_find_the_published_lists(self):
        assert self._read() == self.current
        found = published_lists(self.target)
        # After a kill, the manifest beside a single file may be that of the version that was not published.
        assert found is None or found.key == f"key {self.current}"

    @invariant()
    def the_published_version_is_among_the_last_versions(self):
        stored = self.place.stored()
        if self.current is not None and not self.name.endswith(".parquet"):
            assert [one.manifest.key for one in stored if one.is_current] == [f"key {self.current}"]


class PublishingFolder(Publishing):
    """Lists in a folder."""

    name = "lists"


class PublishingFile(Publishing):
    """Lists in a file."""

    name = "lists.parquet"


TestFolder, TestFile = PublishingFolder.TestCase, PublishingFile.TestCase
TestFolder.settings = TestFile.settings = settings(
    max_examples=8, stateful_step_count=12, deadline=None, phases=(Phase.explicit, Phase.generate)
)  # shrinking takes minutes
