"""Arrays in NPY files: the bytes of `np.save`, and the number of an error of the system."""

import errno
import io
import resource

import numpy as np
import pytest

from als_cli.storage.array_files import map_array, write_array


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.float32])
@pytest.mark.parametrize("length", [0, 1, 3000])
def test_the_file_equals_that_of_numpy(tmp_path, dtype, length):
    values = np.arange(length).astype(dtype)
    expected = io.BytesIO()
    np.save(expected, values)
    write_array(tmp_path / "a.npy", values)
    assert (tmp_path / "a.npy").read_bytes() == expected.getvalue()
    assert np.array_equal(map_array(tmp_path / "a.npy", dtype), values)


def test_a_write_that_fails_gives_the_number_of_the_error(tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        with pytest.raises(OSError, match="large") as caught:
            write_array(tmp_path / "a.npy", np.zeros(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.errno == errno.EFBIG
