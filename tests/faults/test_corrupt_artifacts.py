"""Random damage of artifact files: exit code 4, or no effect on the output (`corrupt_artifacts` runs more cases)."""

import json

import polars as pl
import pytest

from als_cli.errors import ArtifactError
from als_cli.storage.dataset_files import open_dataset, reading_events
from tests.faults.corrupt_artifacts import GOOD, QUICK, READERS, cases, prepare, run_cases
from tests.in_process import als_here
from tests.manifests import accept_files
from tests.shop import write_shop

SEED = 20


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corrupt") / "shop"
    prepare(folder)
    return folder


@pytest.fixture(scope="module")
def outcomes(shop):
    """Each case with its outcome and its message, by the option `--verify`. One worker process runs all of them."""
    wanted = [*cases(shop, 20, SEED), *cases(shop, 10, SEED + 1, verify="off")]
    found = run_cases(shop, wanted, SEED, workers=1)
    return {verify: [entry for entry in found if entry[0].verify == verify] for verify in ("on", "off")}


def test_damaged_artifacts_give_exit_code_4_or_the_same_output(outcomes):
    found = outcomes["on"]
    assert len(found) == 20
    assert [(case, outcome, text) for case, outcome, text in found if outcome not in GOOD] == []
    assert {case.kind for case, _, _ in found} == set(READERS)
    assert sum(outcome == "exit 4" for _, outcome, _ in found) >= 8


def test_without_checksums_damaged_artifacts_cause_no_crash_and_no_traceback(outcomes):
    found = outcomes["off"]
    assert len(found) == 10
    allowed = (*GOOD, "wrong output")
    assert [(case, outcome, text) for case, outcome, text in found if outcome not in allowed] == []


def test_verify_off_reads_a_manifest_with_another_checksum(shop):
    path = shop / "work/models/manifest.json"
    before = path.read_text(encoding="utf-8")
    path.write_text(before.replace('"seed": 0', '"seed": 1'), encoding="utf-8")
    command = ["show", "model", "-c", shop / "shop.yaml"]
    try:
        refused = als_here(*command)
        assert refused.returncode == 4
        assert refused.stderr.splitlines()[1] == "hint: run `als train` again"
        assert als_here(*command, "--verify", "off").returncode == 0
        assert als_here(*command, "--verify", "no").returncode == 2
    finally:
        path.write_text(before, encoding="utf-8")


@pytest.mark.parametrize(
    "command",
    [["evaluate"], ["backtest"], ["tune", "--no-ingest", "--trials", "1"]],
)
def test_without_checksums_pages_of_events_that_cannot_be_decoded_exit_with_code_4(shop, command):
    path = shop / "work/dataset/events.parquet"
    before = path.read_bytes()
    path.write_bytes(before[:50] + bytes(250) + before[300:])
    try:
        ended = als_here(
            *command, "-c", shop / "shop.yaml", "--verify", "off", *(QUICK if command[0] == "tune" else ())
        )
    finally:
        path.write_bytes(before)
    assert ended.returncode == 4, ended.stderr
    assert "events.parquet is broken" in ended.stderr.splitlines()[-2]
    assert ended.stderr.splitlines()[-1] == "hint: run `als ingest` again"


def test_events_with_times_beyond_the_year_9999_are_broken(tmp_path):
    assert als_here("ingest", "-c", write_shop(tmp_path)).returncode == 0
    place = tmp_path / "work/dataset"
    events = pl.read_parquet(place / "events.parquet")
    times = pl.Series([2**62] * events.height).cast(events["timestamp"].dtype)
    events.with_columns(timestamp=times).write_parquet(place / "events.parquet")
    accept_files(place)
    with pytest.raises(ArtifactError, match="a time is outside the years 1 to 9999"), reading_events(place):
        open_dataset(place).scan_events().collect().rows()


def test_run_makes_a_damaged_dataset_again(tmp_path):
    config = write_shop(tmp_path)
    assert als_here("run", "-c", config, "-q").returncode == 0
    path = tmp_path / "work/dataset/events.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert als_here("evaluate", "-c", config).returncode == 4
    report = json.loads(als_here("run", "-c", config, "--json").stdout)
    assert [stage["status"] for stage in report["stages"]] == [
        "done",
        "up_to_date",
        "up_to_date",
        "up_to_date",
    ]
    assert als_here("evaluate", "-c", config).returncode == 0
