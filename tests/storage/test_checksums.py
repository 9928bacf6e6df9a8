"""Checksums of files and documents: their values, and when readers compare them."""

import json
import zlib

import pytest

from als_cli.errors import ArtifactError
from als_cli.storage import artifact_files
from als_cli.storage.artifact_files import verify_all
from als_cli.storage.checksums import file_crc32, verification
from als_cli.storage.documents import MAXIMUM_BYTES, is_intact, read_document, with_checksum
from als_cli.storage.manifest import current_artifact, read_manifest, whole_manifest, write_manifest
from als_cli.storage.ownership import MANIFEST
from als_cli.storage.publish import staged_folder
from tests.manifests import rewrite_manifest

BLOCK = 4 << 20


def publish(place):
    with staged_folder(place) as folder:
        (folder / "a.bin").write_bytes(b"alpha")
        (folder / "b.bin").write_bytes(b"beta")
        write_manifest(folder, kind="model", key="k", config={})
    return current_artifact(place, "model")


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 5])
def test_the_checksum_is_the_crc_of_the_crcs_of_blocks(tmp_path, size):
    content = bytes(range(251)) * (size // 251 + 1)
    (tmp_path / "f").write_bytes(content[:size])
    blocks = [content[start : min(start + BLOCK, size)] for start in range(0, size, BLOCK)]
    expected = zlib.crc32(b"".join(zlib.crc32(block).to_bytes(4, "little") for block in blocks))
    assert file_crc32(tmp_path / "f") == f"{expected:08x}"


def test_a_changed_file_of_the_same_size_is_named(tmp_path):
    folder, manifest = publish(tmp_path / "models")
    assert manifest.file(folder, "a.bin") == folder / "a.bin"
    (folder / "a.bin").write_bytes(b"alphb")
    with pytest.raises(ArtifactError, match=r"a\.bin is broken: its checksum differs") as raised:
        manifest.file(folder, "a.bin")
    assert raised.value.hint == "run `als train` again"
    assert manifest.file(folder, "b.bin") == folder / "b.bin"
    assert whole_manifest(tmp_path / "models", "model") is None


def test_a_file_that_the_manifest_does_not_name_is_not_read(tmp_path):
    folder, manifest = publish(tmp_path / "models")
    (folder / "c.bin").write_bytes(b"gamma")
    with pytest.raises(ArtifactError, match=r"c\.bin is broken: the manifest does not name"):
        manifest.file(folder, "c.bin")


def test_files_of_the_same_size_that_are_swapped_are_named(tmp_path):
    folder, manifest = publish(tmp_path / "models")
    (folder / "b.bin").write_bytes(b"betas")
    write_manifest(folder, kind="model", key="k", config={})
    manifest = read_manifest(folder, "model")
    verify_all(folder, "model", manifest.outputs)
    (folder / "a.bin").rename(folder / "c")
    (folder / "b.bin").rename(folder / "a.bin")
    (folder / "c").rename(folder / "b.bin")
    with pytest.raises(ArtifactError, match="its checksum differs"):
        verify_all(folder, "model", manifest.outputs)


def test_each_version_of_a_file_is_verified_once(tmp_path, monkeypatch):
    folder, manifest = publish(tmp_path / "models")
    computed = []
    monkeypatch.setattr(artifact_files, "file_crc32", lambda path: computed.append(path) or file_crc32(path))
    for _ in range(3):
        verify_all(folder, "model", manifest.outputs)
    assert len(computed) == 2
    publish(tmp_path / "models")
    assert whole_manifest(tmp_path / "models", "model") is not None
    assert len(computed) == 4


def test_without_verification_no_checksum_is_computed(tmp_path, monkeypatch):
    folder, _ = publish(tmp_path / "models")
    raw = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps(raw | {"seed": 9}))
    monkeypatch.setattr(artifact_files, "file_crc32", lambda path: pytest.fail(f"{path} was read"))
    with verification(enabled=False):
        manifest = read_manifest(folder, "model")
        assert manifest.seed == 9
        verify_all(folder, "model", manifest.outputs)
    with pytest.raises(ArtifactError, match=r"manifest\.json is broken: its content differs"):
        read_manifest(folder, "model")


@pytest.mark.parametrize("change", [{"seed": 1}, {"checksum": "0"}, {"config": {"train": {"factors": 5}}}])
def test_a_changed_manifest_is_an_error(tmp_path, change):
    folder, _ = publish(tmp_path / "models")
    raw = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps(raw | change))
    with pytest.raises(ArtifactError, match=r"manifest\.json is broken: its content differs"):
        read_manifest(folder, "model")


def test_the_checksum_of_a_document_does_not_depend_on_white_space_or_order():
    document = with_checksum({"b": [1, 2.5], "a": {"ü": None}})
    assert is_intact(json.loads(json.dumps(dict(reversed(document.items())), indent=3)))
    assert not is_intact(document | {"a": {"ü": 0}})
    assert not is_intact({"a": 1})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[" * 200_000, "nested too deeply|Expecting value"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested too deeply"),
        (b"\xff\xfe{}", "utf-8"),
        (b'{"a": 1' + b"0" * 10_000 + b"}", "digits"),
        (b"", "Expecting value"),
    ],
)
def test_a_hostile_document_is_a_value_error(tmp_path, content, message):
    (tmp_path / "d.json").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_document(tmp_path / "d.json")


def test_a_document_that_is_too_large_is_not_read_whole(tmp_path):
    with (tmp_path / "d.json").open("wb") as stream:
        stream.truncate(MAXIMUM_BYTES << 8)  # 16 GiB without blocks on the disk
    with pytest.raises(ValueError, match="more than 64 MiB"):
        read_document(tmp_path / "d.json")


@pytest.mark.parametrize("path", ["../b.bin", "/etc/passwd", "x/../../b.bin", "link", "", ".", "a\0b"])
def test_a_path_in_a_manifest_cannot_leave_its_folder(tmp_path, path):
    folder, _ = publish(tmp_path / "models")
    (tmp_path / "outside").write_bytes(b"alpha")
    (folder / "link").symlink_to(tmp_path / "outside")
    rewrite_manifest(folder, lambda raw: raw["outputs"][0].update(path=path))
    with pytest.raises(ArtifactError, match=r"leads out of its folder|is missing"):
        read_manifest(folder, "model")


@pytest.mark.parametrize(
    "change",
    [
        {"outputs": [{"path": "a.bin", "bytes": -1, "sha256": "", "crc32": ""}]},
        {"outputs": {}},
        {"counts": {"users": "many"}},
        {"config": {"events": []}},
        {"config": {"events": {"as_of": "soon"}}},
        {"created": 1e300},
        {"metrics": None},
        {"threads": 1.5},
    ],
)
def test_wrong_types_in_a_manifest_are_an_artifact_error(tmp_path, change):
    folder, _ = publish(tmp_path / "models")
    rewrite_manifest(folder, lambda raw: raw.update(change))
    with pytest.raises(ArtifactError, match=r"manifest\.json is broken"):
        read_manifest(folder, "model")
