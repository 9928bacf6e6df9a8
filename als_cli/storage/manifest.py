"""The manifest of an artifact: its inputs, its files and the config that it was made with."""

import hashlib
import json
import resource
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, NonNegativeInt, ValidationError, field_validator

from als_cli import __version__
from als_cli.config.fields import parse_instant
from als_cli.errors import ArtifactError, OtherVersionError
from als_cli.storage.artifact_files import check_sizes, verified_path, verify_all
from als_cli.storage.checksums import file_crc32, is_verifying
from als_cli.storage.documents import CHECKSUM, is_intact, read_document, with_checksum
from als_cli.storage.ownership import MANIFEST
from als_cli.storage.publish import current_version
from als_cli.storage.repair import COMMANDS, broken, one_line

FORMAT_VERSION = 3


class InputFile(BaseModel):
    """A file that was read."""

    model_config = ConfigDict(frozen=True)
    path: str
    bytes: int
    sha256: str
    modified_ns: int = 0
    inode: int = 0
    """Number of the file in its file system; 0 for stdin and pipes."""
    rows: int | None = None


class OutputFile(BaseModel):
    """A file of the artifact; its path is relative to the artifact's folder."""

    model_config = ConfigDict(frozen=True)
    path: str
    bytes: NonNegativeInt
    sha256: str
    crc32: str
    """Checksum that readers verify (`file_crc32`)."""


class Manifest(BaseModel):
    """Description of an artifact. It is written last."""

    model_config = ConfigDict(frozen=True)
    kind: str
    """dataset, model, evaluation, backtest or recommendations."""
    format_version: int = FORMAT_VERSION
    tool_version: str = __version__
    created: datetime
    key: str
    """Hash of all that the artifact depends on (`stage_key`). An artifact with an equal key is up to date."""
    content: str
    """Hash of all output files. It depends on their names and bytes only."""
    config: dict[str, Any]
    """The resolved config of the run."""
    inputs: tuple[InputFile, ...] = ()
    outputs: tuple[OutputFile, ...] = ()
    counts: dict[str, int] = {}
    """Rows read, kept, and dropped per reason; users, items and interactions."""
    metrics: dict[str, Any] = {}
    """Results of the stage, for example training losses or evaluation metrics."""
    seed: int | None = None
    threads: int = 1
    seconds: float = 0.0
    peak_memory_bytes: int = 0

    @field_validator("config")
    @classmethod
    def _has_valid_instant(cls, config: dict[str, Any]) -> dict[str, Any]:
        _instant_of(config)
        return config

    @property
    def as_of(self) -> datetime | None:
        """`events.as_of` of the config that the artifact was made with, UTC."""
        return _instant_of(self.config)

    def file(self, folder: Path, name: str) -> Path:
        """Return the path of the file `name` of the artifact in `folder`, after a check of its checksum.

        Raises
        ------
        ArtifactError
            The artifact has no file with this name, or the file has another checksum.
        """
        return verified_path(folder, self.kind, self.outputs, name)


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of the file at `path`, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def stage_key(**parts: Any) -> str:
    """Return the hash of the als-cli version and `parts` (JSON-like values). A stage with another key is out of date."""
    text = json.dumps(
        {"tool_version": __version__, "format_version": FORMAT_VERSION, **parts}, sort_keys=True, default=str
    )
    return hashlib.sha256(text.encode()).hexdigest()


def describe_outputs(folder: Path) -> tuple[OutputFile, ...]:
    """Return all files below `folder` except the manifest, sorted by path, with size and hash."""
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != MANIFEST)
    return tuple(
        OutputFile(
            path=str(p.relative_to(folder)),
            bytes=p.stat().st_size,
            sha256=file_sha256(p),
            crc32=file_crc32(p),
        )
        for p in files
    )


def content_hash(outputs: tuple[OutputFile, ...]) -> str:
    """Return one hash over the paths and hashes of all `outputs`."""
    return hashlib.sha256("".join(f"{o.path}\0{o.sha256}\n" for o in outputs).encode()).hexdigest()


def write_manifest(folder: Path, *, kind: str, key: str, config: dict[str, Any], **fields: Any) -> Manifest:
    """Write the manifest of the finished files in `folder`, and return it. Call this function last.

    `fields` are the other fields of :class:`Manifest`: inputs, counts, metrics, seed, threads, seconds.
    """
    manifest = new_manifest(describe_outputs(folder), kind=kind, key=key, config=config, **fields)
    document = with_checksum(json.loads(manifest.model_dump_json()))
    text = json.dumps(document, indent=2, ensure_ascii=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")
    return manifest


def new_manifest(
    outputs: tuple[OutputFile, ...], *, kind: str, key: str, config: dict[str, Any], **fields: Any
) -> Manifest:
    """Return the manifest of `outputs`, made now. The other arguments are those of :func:`write_manifest`."""
    return Manifest(
        kind=kind,
        key=key,
        config=config,
        created=datetime.now(UTC),
        outputs=outputs,
        content=content_hash(outputs),
        peak_memory_bytes=peak_memory_bytes(),
        **fields,
    )


def read_manifest(folder: Path, kind: str) -> Manifest:
    """Return the manifest of the artifact in `folder`, after a check of kind, format version and file sizes.

    Raises
    ------
    ArtifactError
        The manifest is missing, cannot be read, or has another kind or format version. Or a file is missing or has
        another size.
    """
    manifest = read_manifest_at(folder / MANIFEST, kind)
    check_sizes(folder, kind, manifest.outputs)
    return manifest


def read_manifest_at(path: Path, kind: str) -> Manifest:
    """Return the manifest at `path`, after a check of kind and format version.

    Raises
    ------
    ArtifactError
        The manifest is missing, cannot be read, or has another kind or format version.
    """
    folder = path.parent
    try:
        raw = read_document(path)
    except FileNotFoundError:
        raise ArtifactError(
            f"there is no {kind} in {folder}: {path.name} is missing",
            hint=f"run `als {COMMANDS[kind]}` first",
        ) from None
    except (OSError, ValueError) as unreadable:
        raise broken(path, kind, unreadable) from unreadable
    if not isinstance(raw, dict):
        raise broken(path, kind, "it is not a manifest")
    _check_version(path, kind, raw)
    if is_verifying() and not is_intact(raw):
        raise broken(path, kind, "its content differs from its checksum")
    try:
        manifest = Manifest.model_validate(raw)
    except ValidationError as wrong:
        raise broken(path, kind, f"{wrong.error_count()} fields are missing or wrong") from wrong
    if manifest.kind != kind:
        raise ArtifactError(
            f"{folder} contains artifact {manifest.kind}, not {kind}",
            hint="check key workspace of the config",
        )
    return manifest


def current_artifact(place: Path, kind: str) -> tuple[Path, Manifest]:
    """Return the folder and the manifest of the current version in `place`.

    Raises
    ------
    ArtifactError
        There is no version, or :func:`read_manifest` finds an error.
    """
    folder = current_version(place)
    if folder is None:
        raise ArtifactError(f"no {kind} in {place}", hint=f"run `als {COMMANDS[kind]}` first")
    return folder, read_manifest(folder, kind)


def published_manifest(place: Path, kind: str) -> Manifest | None:
    """Return the manifest of the current version in `place`, None if there is none or it is broken."""
    try:
        return current_artifact(place, kind)[1]
    except ArtifactError:
        return None


def whole_manifest(place: Path, kind: str) -> Manifest | None:
    """Return the manifest of the current version in `place`, None if there is none or any of its files is broken."""
    try:
        folder, manifest = current_artifact(place, kind)
        verify_all(folder, kind, manifest.outputs)
    except ArtifactError:
        return None
    return manifest


def _check_version(path: Path, kind: str, raw: dict[str, Any]) -> None:
    found = raw.get("format_version")
    if found == FORMAT_VERSION:
        return
    message = f"{path} has format version {one_line(found)}, but als-cli {__version__} reads version {FORMAT_VERSION}"
    writer = one_line(raw.get("tool_version"))
    hint = f"run `als {COMMANDS[kind]}` again, or use the als-cli version that wrote it ({writer})"
    # Older versions have no checksum. With a wrong checksum, the number of the version may be what is broken.
    is_broken = CHECKSUM in raw and not is_intact(raw)
    raise (ArtifactError if is_broken else OtherVersionError)(message, hint=hint)


def _instant_of(config: dict[str, Any]) -> datetime | None:
    events = config.get("events", {})
    if not isinstance(events, dict):
        raise ValueError("events is not a section")  # noqa: TRY004 - pydantic reports a ValueError
    instant = events.get("as_of")
    return None if instant is None else parse_instant(instant)


def peak_memory_bytes() -> int:
    """Return the largest resident set of this process so far, in bytes."""
    try:
        # Unlike getrusage, this does not include the memory of the parent process before exec.
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(status.partition("VmHWM:")[2].split(maxsplit=1)[0]) * 1024
    except (OSError, ValueError, IndexError):
        largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return largest if sys.platform == "darwin" else largest * 1024  # bytes on macOS, KiB on Linux
