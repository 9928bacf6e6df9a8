"""Arrays in NPY files. The header is checked against the size of the file before the file is mapped into memory."""

import re
from pathlib import Path

import numpy as np
import numpy.typing as npt

_MAGIC = b"\x93NUMPY\x01\x00"
_HEADER = re.compile(
    r"\{'descr': '(?P<type>[<|=][a-z][0-9]+)', 'fortran_order': False, 'shape': \((?P<length>[0-9]{1,15}),\), \} *\n"
)
_MAXIMUM_HEADER_BYTES = 1024


def write_array(path: Path, values: npt.NDArray[np.generic]) -> None:
    """Write the one-dimensional array `values` into the NPY file at `path`, with the bytes of `np.save`.

    `np.save` writes the values without Python's file. On a full disk it then raises an OSError without a number, which
    does not tell the reason.
    """
    header = {
        "descr": np.lib.format.dtype_to_descr(values.dtype),
        "fortran_order": False,
        "shape": values.shape,
    }
    with path.open("wb") as stream:
        np.lib.format.write_array_header_1_0(stream, header)
        stream.write(np.ascontiguousarray(values).data)


def map_array(path: Path, dtype: type[np.generic]) -> npt.NDArray[np.generic]:
    """Return the one-dimensional array in the NPY file at `path`, mapped read-only.

    Python objects in a header are never evaluated, so the file cannot have any other form than the one that als writes.

    Raises
    ------
    ValueError
        The file is not a one-dimensional array of `dtype`, or its size is not that of its header.
    """
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(0)
        start = stream.read(len(_MAGIC) + 2)
        length = int.from_bytes(start[len(_MAGIC) :], "little")
        if not start.startswith(_MAGIC) or length > _MAXIMUM_HEADER_BYTES:
            raise ValueError("it is not an NPY file of version 1.0")
        header = _HEADER.fullmatch(stream.read(length).decode("latin-1"))
    wanted = np.dtype(dtype)
    if header is None or header["type"] != wanted.str:
        raise ValueError(f"it is not a one-dimensional array of {wanted}")
    count, offset = int(header["length"]), len(start) + length
    if size != offset + count * wanted.itemsize:
        raise ValueError(f"it has {size} bytes, but its header describes {count} values")
    if count == 0:  # an empty range cannot be mapped
        return np.empty(0, wanted)
    return np.memmap(path, wanted, mode="r", offset=offset, shape=(count,))
