"""`als compile`: the fast kernels before the first run, for images and for machines whose cache is read-only."""

from als_cli.als.kernels.rows import ROW_KERNELS
from als_cli.errors import ResourceError
from als_cli.ranking.kernel_entries import RANKING_KERNELS


def compile_kernels(*, check: bool = False) -> None:
    """Compile all kernels that are not in the cache, and load all of them. With `check`, compile none.

    Raises
    ------
    ResourceError
        The cache cannot be written. Or with `check`: a kernel is not in the cache for this machine.
    """
    for kernel in (*ROW_KERNELS, *RANKING_KERNELS):
        if check and not kernel.is_cached():
            raise ResourceError(
                f"kernel {kernel.name} is not compiled for this machine",
                hint="run `als compile` as a user who may write the cache",
            )
        kernel.load()
        if not kernel.is_cached():
            raise ResourceError(
                f"kernel {kernel.name} is compiled, but cannot be kept",
                hint="set NUMBA_CACHE_DIR to a folder that you may write",
            )
