"""`als compare` on paths and versions, in all formats and layouts."""

import io
import json
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from als_cli.console.views.compare import render_compare
from als_cli.errors import ArtifactError, ConfigError, DataError, GateError, LockedError
from als_cli.stages.compare import compare
from als_cli.stages.recommend import recommend
from als_cli.stages.versions import versions
from als_cli.storage.lock import output_lock
from tests.evaluation.test_list_changes import applied
from tests.stages.tea_shop import open_shop, written
from tests.storage.test_sinks import READERS

OTHER = {"exclude_seen": False}


def published(tmp_path, *, path="lists", layout="rows", **section):
    """Publish lists at `path`, and return the context."""
    output = {"path": str(tmp_path / path), "layout": layout}
    context = open_shop(tmp_path, **{"top_n": 2, "output": output, **section})
    recommend(context)
    return context


def compared(context, old=None, new=None, *, changes=None, gate=False):
    texts = (None if one is None else str(one) for one in (old, new, changes))
    first, second, path = texts
    return compare(context, first, second, changes=path, gate=gate)


@pytest.fixture
def two(tmp_path):
    """Publish two versions, and return the context. bob keeps cup jug; all users have it then."""
    published(tmp_path)
    return published(tmp_path, **OTHER)


def test_the_default_are_the_last_two_versions(two):
    report = compared(two)
    newest, before = [one for one in versions(two).versions if one.of == "lists"]
    assert (report.old.version, report.new.version) == (before.version, newest.version)
    assert (report.users.in_both, report.users.changed) == (4, 3)
    by_id = compared(two, before.version, newest.version)
    by_path = compared(two, before.path, two.config.recommend.output.path)
    same = report.model_dump(exclude={"seconds"})
    assert by_id.model_dump(exclude={"seconds"}) == by_path.model_dump(exclude={"seconds"}) == same
    assert compared(two, newest.version).users.changed == 0


@pytest.mark.parametrize("layout", ["rows", "lists"])
@pytest.mark.parametrize("suffix", READERS)
def test_all_formats_and_layouts_are_the_same_lists(tmp_path, suffix, layout):
    if (suffix, layout) == (".csv", "lists"):
        layout = "rows"  # CSV has no lists
    context = published(tmp_path)
    published(tmp_path, path=f"other{suffix}", layout=layout)
    report = compared(context, tmp_path / "lists", tmp_path / f"other{suffix}")
    assert (report.users.in_both, report.users.changed) == (4, 0)
    assert report.score_drift.spread.p95 == report.score_drift.spread.p5 == 0
    assert [one.kept for one in report.sources] == [written(tmp_path).height]


def test_lists_that_were_copied_keep_their_instant(tmp_path):
    context = published(tmp_path)
    copy = tmp_path / "copy"
    copy.mkdir()
    for part in (tmp_path / "lists").iterdir():
        (copy / part.name).write_bytes(part.read_bytes())
    assert compared(context, copy).old.instant is None
    (tmp_path / "copy.manifest.json").write_bytes((tmp_path / "lists.manifest.json").read_bytes())
    report = compared(context, copy)
    assert (report.old.version, report.old.path) == (None, str(copy))
    assert report.old.instant == report.new.instant
    next(copy.iterdir()).unlink()
    with pytest.raises(DataError, match=r"there are no lists in .*copy"):
        compared(context, copy)


@pytest.mark.parametrize("suffix", READERS)
def test_changes_between_any_two_versions(two, tmp_path, suffix):
    path = tmp_path / "out" / f"delta{suffix}"
    report = compared(two, changes=path)
    table = READERS[suffix](path)
    assert set(table["op"]) == {"upsert"}
    assert table["user_id"].unique(maintain_order=True).to_list() == ["ann", "cid", "dot"]
    manifest = json.loads((tmp_path / "out" / f"delta{suffix}.manifest.json").read_bytes())
    assert manifest["metrics"]["changes"] == report.changes.model_dump()
    assert (report.changes.from_version, report.changes.to_version) == (
        report.old.version,
        report.new.version,
    )
    back = compared(two, report.new.version, report.old.version, changes=path)
    assert back.changes.upserts == 3
    assert READERS[suffix](path)["item_id"].to_list() == ["jug", "pot", "jug", "pot", "cup", "pot"]


def test_changes_are_those_of_the_run(tmp_path):
    output = {"path": str(tmp_path / "lists"), "changes": "rows"}
    recommend(open_shop(tmp_path, top_n=2, output=output))
    before = written(tmp_path)
    context = open_shop(tmp_path, top_n=2, output=output, **OTHER)
    report = recommend(context)
    by_hand = compared(context, changes=tmp_path / "delta.parquet").changes
    assert by_hand.model_dump(exclude={"file"}) | {"file": report.changes["file"]} == report.changes
    changes = pl.read_parquet(tmp_path / "delta.parquet")
    assert changes.equals(pl.read_parquet(tmp_path / "lists.changes.parquet"))
    assert applied(before, changes).equals(written(tmp_path))


class TestErrors:
    def test_there_must_be_lists(self, tmp_path):
        context = open_shop(tmp_path)
        with pytest.raises(ArtifactError, match=r"there is no earlier version of .*lists"):
            compared(context)
        with pytest.raises(DataError, match="there are no lists at nowhere"):
            compared(context, "nowhere")
        with pytest.raises(ConfigError, match="there is no version 20260101T000000000000-abcdef"):
            compared(context, "20260101T000000000000-abcdef")
        (tmp_path / "events.csv").write_text("user_id,item_id\na,b\n", encoding="utf-8")
        recommend(context)
        with pytest.raises(DataError, match=r"events\.csv has no column rank"):
            compared(context, tmp_path / "events.csv")

    def test_stdout_has_no_versions(self, tmp_path):
        context = open_shop(tmp_path, output={"path": "-"})
        with pytest.raises(ConfigError, match=r"`als compare` needs versions .* is stdout"):
            compared(context)

    def test_broken_lists(self, two):
        (file,) = Path(two.config.recommend.output.path).iterdir()
        file.write_bytes(file.read_bytes()[:-1] + b"?")
        with pytest.raises(ArtifactError, match="its checksum differs from the manifest"):
            compared(two)

    @pytest.mark.parametrize(
        ("path", "message"),
        [
            ("delta.txt", r"must end in \.parquet, \.csv, \.ndjson, \.arrow"),
            ("work/delta.csv", "is in workspace"),
            ("mine.csv", "mine.csv was not written by als"),
            ("config.csv", "config.csv is the same file as"),
        ],
    )
    def test_paths_that_changes_must_not_replace(self, two, tmp_path, path, message):
        (tmp_path / "mine.csv").write_text("mine", encoding="utf-8")
        context = replace(two, config_file=tmp_path / "config.csv")
        (tmp_path / "config.csv").write_text("x", encoding="utf-8")
        with pytest.raises(ConfigError, match=message):
            compared(context, changes=tmp_path / path)
        assert (tmp_path / "mine.csv").read_text(encoding="utf-8") == "mine"

    def test_another_run_writes_the_changes(self, two, tmp_path):
        with output_lock(tmp_path / "delta.csv"), pytest.raises(LockedError, match=r"using .*delta\.csv"):
            compared(two, changes=tmp_path / "delta.csv")

    def test_the_gate_by_hand(self, two, tmp_path):
        with pytest.raises(ConfigError, match=r"--gate needs recommend\.churn"):
            compared(two, gate=True)
        strict = open_shop(tmp_path, churn={"at_least": 0.99}, output={"path": str(tmp_path / "lists")})
        with pytest.raises(GateError, match=r"recommend\.churn allows at least 0\.99"):
            compared(strict, gate=True, changes=tmp_path / "delta.csv")
        assert not (tmp_path / "delta.csv").exists()
        assert compared(strict).churn.rbo < 0.99


def test_the_table_fits_in_80_columns(two, tmp_path):
    console = Console(file=io.StringIO(), width=80)
    console.print(render_compare(compared(two, changes=tmp_path / "delta.csv")))
    lines = [" ".join(line.split()) for line in console.file.getvalue().splitlines()]
    assert "4 users have both lists, 0 only the old one, 0 only the new one" in lines
    assert "3 lists changed (75.0 %): 3 have other items, 0 another order" in lines
    assert any(line.startswith("rank-biased overlap (p = 0.9) ") for line in lines)
    assert any(line.startswith("als 8 8 ") for line in lines)
    assert "changes: 3 upserts, 0 deletes in delta.csv" in lines
