"""`als tune` makes a config from raw events in one command. It ingests only if the dataset is out of date."""

import json

import pytest

from als_cli.config.loading import load_config
from tests.in_process import als_here
from tests.shop import CONFIG, write_shop

TUNED = (
    CONFIG + "tune: {trials: 3, folds: 1, metric: ndcg@5, space: {factors: [4, 8], iterations: [2, 4]}, "
    "screen: {trials: 2, users: 20, keep: 1}}\n"
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("untouched")
    write_shop(folder, TUNED)
    return folder


def report_of(shop, *arguments):
    ended = als_here("tune", "-c", shop / "shop.yaml", "--json", *arguments)
    assert (ended.returncode, ended.stderr) == (0, "")
    return json.loads(ended.stdout)


def test_one_command_leads_from_events_to_a_config_that_trains(shop):
    first = report_of(shop)
    assert first["ingest"]["status"] == "done"
    assert first["ingest"]["report"]["users"] == 120
    assert (len(first["screen"]["trials"]), len(first["trials"])) == (2, 3)
    best = shop / "work/tune/best.yaml"
    assert load_config(best, environment={}).train.factors == first["best"]["parameters"]["factors"]

    again = report_of(shop)
    assert (again["ingest"]["status"], again["new_trials"]) == ("up_to_date", 0)

    with (shop / "events.csv").open("a", encoding="utf-8") as events:
        events.write("u000,i01,1769900000,view\n")
    as_it_was = report_of(shop, "--no-ingest")
    assert (as_it_was["ingest"], as_it_was["new_trials"]) == (None, 0)
    newer = report_of(shop)
    assert (newer["ingest"]["status"], newer["new_trials"]) == ("done", 3)
    assert newer["study_name"] != first["study_name"]


def test_missing_events_are_an_error_except_with_no_ingest(shop):
    assert als_here("ingest", "-c", shop / "shop.yaml").returncode == 0
    gone = ["--set", f"events.source={shop / 'gone.csv'}"]
    ended = als_here("tune", "-c", shop / "shop.yaml", *gone)
    assert (ended.returncode, ended.stdout) == (3, "")
    assert "gone.csv" in ended.stderr
    assert als_here("tune", "-c", shop / "shop.yaml", "--no-ingest", *gone).returncode == 0
