"""The target of section `recommend.output`: a file, a folder or stdout, depending on its path."""

import pytest

from als_cli.config.output import OutputConfig
from als_cli.errors import ConfigError
from als_cli.storage.sinks.target import target_of


def target(path, **output):
    return target_of(OutputConfig(path=str(path), **output))


@pytest.mark.parametrize(
    ("path", "kind", "format_name"),
    [
        ("out/lists", "folder", "parquet"),
        ("out/lists.v2", "folder", "parquet"),
        ("out/2026.11", "folder", "parquet"),
        ("out.d1/lists", "folder", "parquet"),
        ("shop.com/lists", "folder", "parquet"),
        ("out/.lists", "folder", "parquet"),
        ("out/lists.parquet", "file", "parquet"),
        ("out/lists.CSV", "file", "csv"),
        ("out/lists.ndjson", "file", "ndjson"),
        ("out/lists.arrow", "file", "ipc"),
        ("out/lists.v2.csv", "file", "csv"),
        ("-", "stdout", "csv"),
    ],
)
def test_the_path_determines_kind_and_format(path, kind, format_name):
    found = target(path)
    assert (found.kind, found.format) == (kind, format_name)


def test_a_declared_format_must_agree_with_the_name():
    assert target("lists.csv", format="csv").format == "csv"
    with pytest.raises(ConfigError, match=r"is parquet, but recommend\.output\.path ends in \.csv"):
        target("lists.csv", format="parquet")


def test_lists_are_streamed_as_ndjson():
    assert target("-", layout="lists").format == "ndjson"


@pytest.mark.parametrize(
    ("path", "output", "message"),
    [
        ("-", {"format": "parquet"}, "cannot be streamed"),
        ("lists.csv", {"layout": "lists"}, "csv cannot store"),
        ("s3://bucket/lists", {}, "not a local path"),
        ("postgresql://als:secret@db/shop", {}, r"is the URI of a database \(postgresql:\), not a path$"),
    ],
)
def test_unsupported_combinations_are_errors(path, output, message):
    with pytest.raises(ConfigError, match=message):
        target(path, **output)


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("lists.json", "did you mean lists.ndjson? "),
        ("lists.jsonl", "did you mean lists.ndjson? "),
        ("lists.pq", "did you mean lists.parquet? "),
        ("lists.TSV", "did you mean lists.csv? "),
        ("lists.txt", "did you mean lists.csv? "),
        ("lists.feather", "did you mean lists.arrow? "),
        ("lists.ipc", "did you mean lists.arrow? "),
        ("lists.parqet", "did you mean lists.parquet? "),
        ("lists.xlsx", ""),
        ("lists.csv.gz", ""),
        ("lists.csv.bz2", ""),
        ("lists.avro", ""),
        ("lists.h5", ""),
        ("lists.daily", ""),
    ],
)
def test_a_suffix_that_is_no_format_is_an_error_with_a_suggestion(tmp_path, name, suggestion):
    with pytest.raises(ConfigError, match=rf"recommend\.output\.path: .*/{name} ends in \.") as caught:
        target(tmp_path / name)
    assert caught.value.hint == (
        f"{suggestion}the name of a file must end in .parquet, .csv, .ndjson, .arrow or .resp; the name of a new folder must not end in a suffix of letters"
    )


def test_an_existing_folder_may_have_any_suffix_that_is_not_of_a_file_format(tmp_path):
    for name in ("tmp.AbCd", "shop.com", "lists.json"):
        (tmp_path / name).mkdir()
    assert target(tmp_path / "tmp.AbCd").kind == "folder"
    assert target(tmp_path / "shop.com").kind == "folder"
    with pytest.raises(ConfigError, match=r"ends in \.json"):
        target(tmp_path / "lists.json")
