"""In every table, numbered columns need a config that sets `header`."""

import gzip
import json

import polars as pl
import pytest

from als_cli.errors import ExitCode
from tests.in_process import als_here

ROWS = [(f"u{n % 12}", f"i{n % 7}", 1_767_225_600 + 3600 * n) for n in range(400)]
HEADER = "who,what,when\n"


def lines(rows=ROWS, columns=slice(None), separator=","):
    return "".join(separator.join(map(str, row[columns])) + "\n" for row in rows)


def flags(settings):
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in settings.items()}
    return [part for key, text in texts.items() for part in ("--set", f"{key}={text}")]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Return a folder with a trained model and with all kinds of tables, without headers."""
    tmp_path = tmp_path_factory.mktemp("shop")
    users, items = sorted({row[0] for row in ROWS}), sorted({row[1] for row in ROWS})
    files = {
        "events.csv": lines(),
        "catalog.csv": lines([(item, f"Thing {item}") for item in items]),
        "users.csv": lines([(user,) for user in users]),
        "test.csv": lines([(user, items[0]) for user in users]),
        "candidates.csv": lines([(user, item) for user in users for item in items]),
        "user_groups.csv": lines([(user, "even") for user in users]),
        "item_groups.csv": lines([(item, "odd") for item in items]),
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "job.yaml").write_text(
        """
workspace: work
events: {source: events.csv, header: false, columns: {user: 1, item: 2, timestamp: 3}}
train: {factors: 4, iterations: 2}
evaluate: {split: {by: random}, at: [3], baselines: [popular]}
recommend: {top_n: 3, exclude_seen: false, output: {path: lists.parquet}}
""",
        encoding="utf-8",
    )
    for stage in ("ingest", "train"):
        ended = run(stage, tmp_path, {})
        assert ended.returncode == 0, ended.stderr
    return tmp_path


def run(command, place, settings):
    return als_here(command, "-c", place / "job.yaml", *flags(settings), cwd=place)


TABLES = {
    "recommend.items": (
        "recommend",
        "recommend.items.columns.item",
        lambda header: {
            "recommend.items": {"catalog": "catalog.csv", "columns": {"item": 1, "title": 2}} | header
        },
    ),
    "recommend.users": (
        "recommend",
        "recommend.users.column",
        lambda header: {"recommend.users": {"file": "users.csv", "column": 1} | header},
    ),
    "evaluate.split": (
        "evaluate",
        "events.columns.user",
        lambda header: {
            "evaluate.split": {"by": "file", "path": "test.csv"} | header,
            "evaluate.exclude_seen": False,
        },
    ),
    "evaluate.candidates": (
        "evaluate",
        "evaluate.candidates.columns.user",
        lambda header: {
            "evaluate.candidates": {"path": "candidates.csv", "columns": {"user": 1, "item": 2}} | header
        },
    ),
    "evaluate.cohorts.users": (
        "evaluate",
        "evaluate.cohorts.users.column",
        lambda header: {
            "evaluate.cohorts.users": {"path": "user_groups.csv", "column": 1, "by": [2]} | header
        },
    ),
    "evaluate.cohorts.items": (
        "evaluate",
        "evaluate.cohorts.items.column",
        lambda header: {
            "evaluate.cohorts.items": {"path": "item_groups.csv", "column": 1, "by": [2]} | header
        },
    ),
}


@pytest.mark.parametrize("section", TABLES)
def test_a_table_with_numbered_columns_needs_a_declared_header(place, section):
    command, key, settings = TABLES[section]

    refused = run(command, place, settings({}))

    assert refused.returncode == ExitCode.USAGE
    assert f"{key} is column 1, but the first line of " in refused.stderr
    assert f"hint: set {section}.header: false if this line is data" in refused.stderr
    for header in (False, True):  # both values work
        ended = run(command, place, settings({"header": header}))
        assert ended.returncode == 0, ended.stderr


def ingested(place, settings):
    ended = als_here("ingest", "-c", place / "bare.yaml", "--json", *flags(settings), cwd=place)
    return ended, None if ended.returncode else json.loads(ended.stdout)["rows"]


@pytest.fixture
def bare(tmp_path):
    """Return a folder with events without a header, and a config that does not set `header`."""
    (tmp_path / "events.csv").write_text(lines(), encoding="utf-8")
    (tmp_path / "bare.yaml").write_text(
        "workspace: work\nevents: {source: events.csv, columns: {user: 1, item: 2}}\n", encoding="utf-8"
    )
    return tmp_path


def test_events_with_numbered_columns_need_a_declared_header(bare):
    refused, _ = ingested(bare, {})

    assert refused.returncode == ExitCode.USAGE
    assert "events.columns.user is column 1, but the first line of " in refused.stderr
    assert "events.csv would be read as column names: u0, i0, 1767225600" in refused.stderr
    assert "set events.header: false if this line is data, or events.header: true" in refused.stderr
    assert ingested(bare, {"events.header": False})[1] == 400
    assert ingested(bare, {"events.header": True})[1] == 399


def test_one_source_can_declare_its_header(bare):
    (bare / "more.csv").write_text(HEADER + lines(), encoding="utf-8")
    sources = [{"path": "events.csv", "header": False}, {"path": "more.csv"}]

    refused, _ = ingested(bare, {"events.source": sources})

    assert refused.returncode == ExitCode.USAGE
    assert "more.csv would be read as column names: who, what, when" in refused.stderr
    assert "events.source[1].header: true" in refused.stderr
    assert ingested(bare, {"events.source": sources, "events.header": True})[1] == 800
    sources[1]["header"] = True
    assert ingested(bare, {"events.source": sources})[1] == 800


@pytest.mark.parametrize("form", ["tsv", "gzip", "no_suffix", "declared"])
def test_every_form_of_delimited_text_is_checked(bare, form):
    name = {"tsv": "e.tsv", "gzip": "e.csv.gz", "no_suffix": "events", "declared": "e.log"}[form]
    text = lines(separator="\t" if form == "tsv" else ",").encode()
    (bare / name).write_bytes(gzip.compress(text) if form == "gzip" else text)

    refused, _ = ingested(
        bare, {"events.source": name, "events.format": "csv" if form == "declared" else "auto"}
    )

    assert refused.returncode == ExitCode.USAGE
    assert "events.header: false" in refused.stderr


def test_named_columns_and_typed_formats_need_no_header(bare):
    frame = pl.DataFrame({"who": [row[0] for row in ROWS], "what": [row[1] for row in ROWS]})
    frame.write_parquet(bare / "e.parquet")
    frame.write_ndjson(bare / "e.ndjson")
    (bare / "named.csv").write_text(HEADER + lines(), encoding="utf-8")

    assert ingested(bare, {"events.source": "e.parquet"})[1] == 400
    assert ingested(bare, {"events.source": "e.ndjson"})[1] == 400
    columns = {"user": "who", "item": "what"}
    assert ingested(bare, {"events.source": "named.csv", "events.columns": columns})[1] == 400
