"""Fast checksums of files, and the switch that turns their verification off.

SHA-256 identifies the content of a file. Its computation takes several times as long as that of CRC-32, so readers
verify the CRC-32 (docs/reliability.md has the measurements). It finds every change within 32 consecutive bits, and
misses one in four billion of all other changes.
"""

import os
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from als_cli.als.threads import available_threads

_BLOCK_BYTES = 4 << 20
_MAXIMUM_THREADS = 4
"""More threads are not faster, because memory limits the speed."""
_IS_VERIFYING: ContextVar[bool] = ContextVar("is_verifying", default=True)


@contextmanager
def verification(*, enabled: bool) -> Iterator[None]:
    """Verify checksums inside the block, or not. By default they are verified."""
    token = _IS_VERIFYING.set(enabled)
    try:
        yield
    finally:
        _IS_VERIFYING.reset(token)


def is_verifying() -> bool:
    """Return whether checksums are verified."""
    return _IS_VERIFYING.get()


def file_crc32(path: Path) -> str:
    """Return the checksum of the file at `path`, 8 hexadecimal digits.

    It is the CRC-32 of the CRC-32 values of all blocks of 4 MiB (little-endian). Blocks are independent, so several
    threads can compute them.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        starts = range(0, os.fstat(descriptor).st_size, _BLOCK_BYTES)
        threads = min(_MAXIMUM_THREADS, available_threads(), len(starts))
        if threads < 2:
            blocks = [_block_crc32(descriptor, start) for start in starts]
        else:
            with ThreadPoolExecutor(threads, thread_name_prefix="als-checksum") as pool:
                blocks = list(pool.map(lambda start: _block_crc32(descriptor, start), starts))
    finally:
        os.close(descriptor)
    return f"{zlib.crc32(b''.join(block.to_bytes(4, 'little') for block in blocks)):08x}"


def _block_crc32(descriptor: int, start: int) -> int:
    # Both calls release the GIL. A mapped file would end the process if it became shorter meanwhile.
    return zlib.crc32(os.pread(descriptor, _BLOCK_BYTES, start))
