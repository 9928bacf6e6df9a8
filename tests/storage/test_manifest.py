"""The manifest describes the files of an artifact, and detects files that have changed."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest

from als_cli.errors import ArtifactError
from als_cli.storage.manifest import file_sha256, peak_memory_bytes, read_manifest, stage_key, write_manifest
from als_cli.storage.ownership import MANIFEST
from tests.manifests import rewrite_manifest


@pytest.fixture
def artifact(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.bin").write_bytes(b"alpha")
    (tmp_path / "sub/b.bin").write_bytes(b"beta")
    write_manifest(
        tmp_path, kind="model", key="k", config={"train": {"factors": 4}}, seed=3, counts={"users": 2}
    )
    return tmp_path


def test_outputs_are_listed_with_size_and_hash(artifact):
    manifest = read_manifest(artifact, "model")
    assert [(o.path, o.bytes, o.sha256) for o in manifest.outputs] == [
        ("a.bin", 5, hashlib.sha256(b"alpha").hexdigest()),
        ("sub/b.bin", 4, hashlib.sha256(b"beta").hexdigest()),
    ]
    assert (manifest.seed, manifest.counts, manifest.key) == (3, {"users": 2}, "k")
    assert manifest.peak_memory_bytes > 1_000_000


def test_content_depends_on_the_bytes_only(artifact, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    (other / "sub").mkdir()
    (other / "a.bin").write_bytes(b"alpha")
    (other / "sub/b.bin").write_bytes(b"beta")
    same = write_manifest(other, kind="model", key="other", config={}, seconds=9.0)
    assert same.content == read_manifest(artifact, "model").content
    (other / "a.bin").write_bytes(b"alphb")
    assert write_manifest(other, kind="model", key="other", config={}).content != same.content


def test_a_truncated_file_is_named(artifact):
    (artifact / "sub/b.bin").write_bytes(b"be")
    with pytest.raises(ArtifactError, match=r"sub/b.bin is 2 bytes long instead of 4") as caught:
        read_manifest(artifact, "model")
    assert "als train" in caught.value.hint


def test_a_missing_file_is_named(artifact):
    (artifact / "a.bin").unlink()
    with pytest.raises(ArtifactError, match=r"a.bin is missing"):
        read_manifest(artifact, "model")


def test_another_format_version_is_named_with_both_versions(artifact):
    rewrite_manifest(artifact, lambda raw: raw.update(format_version=99))
    with pytest.raises(ArtifactError, match=r"format version 99, but als-cli .* reads version 3"):
        read_manifest(artifact, "model")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"format_version": 1}'])
def test_an_invalid_manifest_is_an_artifact_error(artifact, text):
    (artifact / MANIFEST).write_text(text)
    with pytest.raises(ArtifactError, match=MANIFEST):
        read_manifest(artifact, "model")


def test_another_kind_is_named(artifact):
    with pytest.raises(ArtifactError, match="contains artifact model, not dataset"):
        read_manifest(artifact, "dataset")


def test_without_a_manifest_the_hint_names_the_command(tmp_path):
    with pytest.raises(ArtifactError, match="no dataset in") as caught:
        read_manifest(tmp_path, "dataset")
    assert "als ingest" in caught.value.hint


def test_stage_keys_depend_on_every_part_but_not_on_their_order():
    assert stage_key(a=1, b={"x": 2, "y": 3}) == stage_key(b={"y": 3, "x": 2}, a=1)
    assert stage_key(a=1) != stage_key(a=2)
    assert stage_key(a=1) != stage_key(b=1)


def test_file_sha256_is_the_hash_of_the_bytes(tmp_path):
    (tmp_path / "f").write_bytes(b"x" * 3_000_000)
    assert file_sha256(tmp_path / "f") == hashlib.sha256(b"x" * 3_000_000).hexdigest()


def test_peak_memory_never_falls():
    before = peak_memory_bytes()
    block = np.ones(64 << 20, np.uint8)
    with_block = peak_memory_bytes()
    del block
    assert with_block >= max(before, 64 << 20)
    # The kernel counts resident pages in batches per CPU, so two readings of one peak differ by some hundred KiB.
    assert peak_memory_bytes() >= with_block - (1 << 20)


def test_peak_memory_does_not_include_the_parent_process():
    block = np.ones(600 << 20, np.uint8)  # more than a child of this size needs
    program = "from als_cli.storage.manifest import peak_memory_bytes; print(peak_memory_bytes())"
    child = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(child.stdout) < block.nbytes
