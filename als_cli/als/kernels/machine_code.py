"""The machine code of kernels: its cache on disk, and its link into this process; without numba.

The cache is in ``$NUMBA_CACHE_DIR`` if it is set, else in ``$XDG_CACHE_HOME/als-cli`` (``~/.cache/als-cli`` by default). A
read-only installation can therefore write it. The folder's name contains a hash of the kernels' source, the versions and
the CPU.
"""

import functools
import hashlib
import importlib.metadata
import logging
import os
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import llvmlite  # type: ignore[import-untyped]
from llvmlite import binding

from als_cli import NOTICE

log = logging.getLogger(__name__)

_HEAD = b"als-cli kernel\n"
_engines: list[Any] = []
"""They own the memory of the linked code, which is used until the process ends."""


class MachineCode(NamedTuple):
    """An object file of this machine, and the symbol of the kernel in it."""

    symbol: str
    object_file: bytes


def linked(code: MachineCode) -> int:
    """Return the address of the kernel in `code`, which remains in memory until the process ends."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    machine = binding.Target.from_default_triple().create_target_machine(jit=True)
    engine = binding.create_mcjit_compiler(binding.parse_assembly(""), machine)
    engine.add_object_file(binding.ObjectFileRef.from_data(code.object_file))
    engine.finalize_object()
    _engines.append(engine)
    address: int = engine.get_function_address(code.symbol)
    return address


def kept(name: str) -> MachineCode | None:
    """Return the machine code of kernel `name` from the cache; None if it is not there, or damaged."""
    try:
        content = (_folder() / name).read_bytes()
    except OSError:
        content = b""
    head, rest = content[: len(_HEAD)], content[len(_HEAD) :]
    digest, body = rest[: hashlib.sha256().digest_size], rest[hashlib.sha256().digest_size :]
    # Damaged code can end the process, so that no error is reported.
    if head != _HEAD or hashlib.sha256(body).digest() != digest:
        return None
    symbol, _, object_file = body.partition(b"\n")
    return MachineCode(symbol.decode(), object_file)


def keep(name: str, code: MachineCode) -> None:
    """Write the machine code of kernel `name` to the cache. If this fails, a warning is logged."""
    body = code.symbol.encode() + b"\n" + code.object_file
    try:
        folder = _folder()
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, written = tempfile.mkstemp(dir=folder, prefix=".")
        try:
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(descriptor, 0o644)  # a cache that is made with an image serves all of its users
                file.write(_HEAD + hashlib.sha256(body).digest() + body)
            Path(written).replace(folder / name)
        except BaseException:
            Path(written).unlink(missing_ok=True)
            raise
    except OSError as error:
        _warn(str(error))


@functools.cache
def _folder() -> Path:
    return _root() / f"kernels-{_fingerprint()}"


def _root() -> Path:
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    if base:
        return Path(base) / "als-cli"
    try:
        return Path.home() / ".cache" / "als-cli"
    except RuntimeError:  # no home folder, for instance for a service account
        return _temporary_root()


def _temporary_root() -> Path:
    """Return a folder of this user below the folder of temporary files.

    Raises
    ------
    PermissionError
        Another user made this folder. Code in it would run with the rights of this user.
    """
    folder = Path(tempfile.gettempdir()) / f"als-cli-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to another user")
    return folder


def _fingerprint() -> str:
    digest = hashlib.sha256()
    package = Path(__file__).resolve().parents[2]
    for source in sorted([*package.glob("als/kernels/*.py"), *package.glob("ranking/kernel_*.py")]):
        digest.update(source.read_bytes())
    digest.update(f"{importlib.metadata.version('numba')} {llvmlite.__version__} {_cpu()}".encode())
    return digest.hexdigest()[:16]


def _cpu() -> str:
    """Return the CPU that numba compiles for. It is another one than that of this machine if variables say so."""
    name, features = (os.environ.get(f"NUMBA_CPU_{one}") for one in ("NAME", "FEATURES"))
    if name is None:
        name = binding.get_host_cpu_name()
    if features is None:
        features = str(sorted(binding.get_host_cpu_features().items()))
    return f"{name} {features}"


@functools.cache
def announce() -> None:
    """Log, once per process, that the first run takes longer."""
    log.log(NOTICE, "compiling the fast kernels for this machine: some seconds, kept for the next runs")


@functools.cache
def _warn(reason: str) -> None:
    log.warning(
        "compiled kernels cannot be kept (%s): every run compiles them again; set NUMBA_CACHE_DIR", reason
    )
