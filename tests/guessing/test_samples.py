"""Samples of tables: the first rows and rows of other places, within bounded memory."""

import gzip

import numpy as np
import polars as pl
import pytest

from als_cli.errors import DataError
from als_cli.guessing.files import event_files
from als_cli.guessing.samples import MAXIMUM_ROWS, read_sample

ROWS = 400_000


@pytest.fixture(scope="module")
def large():
    return pl.DataFrame(
        {"user_id": np.arange(ROWS) // 7, "item_id": np.arange(ROWS) % 999, "place": np.arange(ROWS)}
    )


@pytest.mark.parametrize("name", ["e.csv", "e.ndjson", "e.parquet", "one_group.parquet", "e.arrow"])
def test_a_large_file_is_sampled_from_all_its_places(tmp_path, large, name):
    path = tmp_path / name
    write = {"csv": large.write_csv, "ndjson": large.write_ndjson}.get(path.suffix[1:])
    if write is not None:
        write(path)
    elif path.suffix == ".arrow":
        large.write_ipc(path, record_batch_size=20_000)
    else:
        large.write_parquet(path, row_group_size=ROWS if name.startswith("one") else 20_000)
    found = read_sample(str(path))
    assert not found.is_complete
    assert found.frame.height <= MAXIMUM_ROWS
    assert found.rows == pytest.approx(ROWS, rel=0.1)
    places = found.frame["place"].cast(pl.Int64)
    assert places.head(found.first).to_list() == list(range(found.first))
    assert places.max() >= 0.95 * ROWS
    assert len(places.filter(places.is_between(0.3 * ROWS, 0.8 * ROWS))) > 100
    assert places.is_unique().all()


@pytest.mark.parametrize("name", ["e.csv", "e.ndjson", "e.parquet", "e.arrow"])
def test_a_small_file_is_read_as_a_whole(tmp_path, large, name):
    path, small = tmp_path / name, large.head(1000)
    write = {"csv": small.write_csv, "ndjson": small.write_ndjson, "arrow": small.write_ipc}
    write.get(path.suffix[1:], small.write_parquet)(path)
    found = read_sample(str(path))
    assert found.is_complete
    assert found.frame.cast(pl.Int64).equals(small.cast(pl.Int64))


def test_compressed_text_is_sampled_from_its_start(tmp_path, large):
    path = tmp_path / "e.csv.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        large.write_csv(file)
    found = read_sample(str(path))
    assert found.frame["place"].head(3).to_list() == ["0", "1", "2"]
    assert not found.is_complete


def test_lines_in_quotes_across_a_place_do_not_break_the_sample(tmp_path):
    text = "user,text\n" + "".join(f'u{n % 50},"line {n}\nnext, ""line"""\n' for n in range(300_000))
    path = tmp_path / "e.csv"
    path.write_text(text, encoding="utf-8")
    found = read_sample(str(path))
    assert found.frame.columns == ["user", "text"]
    assert found.frame["user"].head(found.first).str.starts_with("u").all()


def hostile_files(folder):
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, 50_000, dtype=np.uint8).tobytes()
    texts = {
        "empty.csv": b"",
        "blank.csv": b"\n\n  \n",
        "header_only.csv": b"user_id,item_id\n",
        "noise.csv": noise,
        "noise.dat": noise.replace(b"\0", b"\1"),
        "noise.parquet": noise,
        "almost.parquet": b"PAR1" + bytes(100) + b"PAR1",
        "noise.arrow": b"ARROW1" + noise,
        "noise.ndjson": noise.replace(b"\0", b"\1"),
        "broken.ndjson": b"{bad\n{worse\n",
        "array.json": b'[{"user_id": 1}]',
        "long_line.csv": b"user_id,item_id\n" + b"x" * 6_000_000,
        "quotes.csv": b'user_id,item_id\n1,"2\n' + b"3,4\n" * 1000,
        "zero.csv": b"user_id,item_id\n1,\0\n",
        "broken.csv.gz": gzip.compress(b"user_id,item_id\n1,2\n" * 999)[:-30],
    }
    for name, content in texts.items():
        (folder / name).write_bytes(content)
    return list(texts)


@pytest.mark.parametrize("number", range(15))
def test_hostile_files_give_a_sample_or_one_error_that_names_the_file(tmp_path, number):
    name = hostile_files(tmp_path)[number]
    try:
        found = event_files(str(tmp_path / name))
    except DataError as error:
        refused = error
    else:
        assert found.groups[0].frame.height > 0
        return
    assert name in refused.message
    assert refused.hint


@pytest.mark.parametrize("name", ["e.csv", "e.parquet", "e.arrow", "e.ndjson"])
def test_of_many_columns_the_likely_and_the_wanted_ones_are_read(tmp_path, name):
    path = tmp_path / name
    columns = {f"c{n}": range(60) for n in range(1000)} | {
        "visitorid": range(60),
        "sku": range(60),
        "*": range(60),
    }
    wide = pl.DataFrame(columns)
    write = {"csv": wide.write_csv, "ndjson": wide.write_ndjson, "arrow": wide.write_ipc}
    write.get(path.suffix[1:], wide.write_parquet)(path)
    found = read_sample(str(path), wanted=["c900"]).frame
    assert found.width == 300
    assert {"visitorid", "sku", "c900"} <= set(found.columns)
