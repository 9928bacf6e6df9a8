"""The footer of Parquet files: equal to what pyarrow reads, and errors for broken footers that end pyarrow's process."""

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from als_cli.config.source import TableFormat
from als_cli.errors import DataError
from als_cli.storage.id_tables import check_parquet_sizes
from als_cli.tables.parquet_footer import read_footer
from als_cli.tables.scan import scan_table
from als_cli.tables.thrift import STRUCT, CompactReader


def footer_of(path):
    with path.open("rb") as file:
        return read_footer(file)


@pytest.mark.parametrize("write", [pl.DataFrame.write_parquet, lambda f, p: pq.write_table(f.to_arrow(), p)])
def test_the_footer_has_the_groups_columns_and_sizes_that_pyarrow_reads(tmp_path, write):
    path = tmp_path / "nested.parquet"
    frame = pl.DataFrame(
        {"item_id": ["a", None, "c"], "tags": [["x", "y"], [], None], "s": [{"p": 1, "q": [[1.5], []]}] * 3}
    )
    write(pl.concat([frame] * 5), path)
    footer, expected = footer_of(path), pq.read_metadata(path)
    columns = [expected.schema.column(n) for n in range(expected.num_columns)]
    assert footer.rows == expected.num_rows == 15
    assert footer.is_flat == tuple(column.max_repetition_level == 0 for column in columns)
    assert footer.is_flat == (True, False, True, False)
    for group, wanted in zip(
        footer.groups, [expected.row_group(n) for n in range(expected.num_row_groups)], strict=True
    ):
        assert group.rows == wanted.num_rows
        for number, chunk in enumerate(group.chunks):
            same = wanted.column(number)
            first = same.dictionary_page_offset or same.data_page_offset
            assert chunk == (
                same.path_in_schema, first, same.num_values, same.total_compressed_size, same.total_uncompressed_size,
            )  # fmt: skip


def test_a_footer_that_contradicts_its_statistics_does_not_end_the_process(tmp_path):
    path = tmp_path / "events.parquet"
    pq.write_table(pa.table({"item_id": ["a", "b"]}), path)
    optional, required = (bytes([0x25, kind, 0x18, 7]) + b"item_id" for kind in (2, 0))
    content = path.read_bytes()
    assert content.count(optional) == 1
    path.write_bytes(content.replace(optional, required))
    check_parquet_sizes(path)
    with pytest.raises((DataError, pl.exceptions.PolarsError, pl.exceptions.PanicException)):
        scan_table(str(path), TableFormat()).collect()


def test_bytes_after_the_footer_are_an_error(tmp_path):
    path = tmp_path / "events.parquet"
    pq.write_table(pa.table({"item_id": ["a", "b"]}), path)
    content = path.read_bytes()
    length = int.from_bytes(content[-8:-4], "little") + 5
    path.write_bytes(content[:-8] + b"after" + length.to_bytes(4, "little") + b"PAR1")
    with pytest.raises(DataError, match="its Parquet footer ends too early"):
        scan_table(str(path), TableFormat())


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (lambda content: content[:-8] + b"\xff\xff\xff\x7fPAR1", "does not end with"),
        (lambda content: content[:-4] + b"PARE", "does not end with"),
        (lambda _: b"PAR1", "does not end with"),
        (lambda content: content[:-8] + (5).to_bytes(4, "little") + b"PAR1", "Parquet footer|metadata"),
    ],
)
def test_other_ends_of_a_file_are_errors(tmp_path, changed, reason):
    path = tmp_path / "events.parquet"
    pq.write_table(pa.table({"item_id": ["a", "b"]}), path)
    path.write_bytes(changed(path.read_bytes()))
    with pytest.raises(ValueError, match=reason):
        footer_of(path)


@pytest.mark.parametrize(
    "data",
    [
        bytes([0x15, 2, 0x05, 2, 4, 0]),  # field 1, then field 1 again with its number written out
        bytes([0x35, 2, 0x05, 2, 4, 0]),  # field 3, then field 1
    ],
)
def test_a_repeated_field_is_an_error(data):
    reader = CompactReader(data)
    with pytest.raises(ValueError, match="repeat a field"):
        reader.skip(STRUCT)
