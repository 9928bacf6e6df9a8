"""The stored report of `als tune`, and other figures that reports read from manifests."""

import json
from datetime import UTC, datetime

import pytest

from als_cli.errors import ArtifactError
from als_cli.storage.checksums import verification
from als_cli.storage.tune_files import read_tune_report, tune_report_path, write_tune_report
from als_cli.tuning.report import TrialReport, TuneReport
from tests.in_process import done
from tests.shop import write_shop

CREATED = datetime(2026, 3, 1, 12, tzinfo=UTC)
TRIAL = TrialReport(number=1, state="done", untuned=True, value=0.2, parameters={"alpha": 1.0}, seconds=0.1)
REPORT = TuneReport(
    ingest=None,
    config="best.yaml",
    study="study.sqlite3",
    study_name="name",
    metric="ndcg@10",
    folds=3,
    users=100,
    screen=None,
    best=TRIAL,
    untuned=TRIAL,
    trials=(TRIAL,),
    new_trials=1,
    seconds=2.5,
)


def test_the_report_is_read_as_it_was_written(tmp_path):
    assert read_tune_report(tmp_path) is None
    write_tune_report(tmp_path, REPORT, CREATED)
    assert read_tune_report(tmp_path) == (REPORT, CREATED)


@pytest.mark.parametrize("content", ["", "{}", "[]", "null", '{"created": "x"}', "\xff"])
def test_a_broken_report_is_an_error(tmp_path, content):
    path = tune_report_path(tmp_path)
    path.parent.mkdir()
    path.write_text(content, encoding="latin-1")
    with pytest.raises(ArtifactError, match=r"report\.json is broken") as caught:
        read_tune_report(tmp_path)
    assert caught.value.hint == "run `als tune` again"


def test_a_changed_report_is_found_by_its_checksum(tmp_path):
    write_tune_report(tmp_path, REPORT, CREATED)
    path = tune_report_path(tmp_path)
    changed = json.loads(path.read_text(encoding="utf-8")) | {"users": 101}
    path.write_text(json.dumps(changed), encoding="utf-8")
    with pytest.raises(ArtifactError, match="checksum"):
        read_tune_report(tmp_path)
    with verification(enabled=False):
        assert read_tune_report(tmp_path)[0].users == 101


def test_manifests_name_the_seconds_of_iterations_and_the_origin_of_lists(tmp_path):
    config = write_shop(tmp_path)
    done("run", "-c", config)
    manifests = {
        name: json.loads((tmp_path / path).read_text(encoding="utf-8"))
        for name, path in (
            ("dataset", "work/dataset/manifest.json"),
            ("model", "work/models/manifest.json"),
            ("lists", "lists.manifest.json"),
        )
    }
    seconds = manifests["model"]["metrics"]["iteration_seconds"]
    assert len(seconds) == len(manifests["model"]["metrics"]["loss"]) == 5
    assert all(one > 0 for one in seconds)
    assert manifests["lists"]["metrics"]["model"] == manifests["model"]["content"]
    assert manifests["lists"]["metrics"]["dataset"] == manifests["dataset"]["content"]
