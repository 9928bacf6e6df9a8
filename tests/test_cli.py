"""The commands as their users run them: exit codes, stdout and stderr, and the stages that are done again.

Some tests of exit codes, streams and threads start processes. The others run the commands in this process.
"""

import csv
import io
import json
import re
import shutil

import polars as pl
import pytest

from tests.in_process import als_here
from tests.shop import als, write_shop


@pytest.fixture(scope="module")
def finished_shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    config = write_shop(folder)
    ended = als("run", "-c", config, "--json")
    assert ended.returncode == 0, ended.stderr
    (folder / "run.json").write_text(ended.stdout)
    return folder


@pytest.fixture
def shop(finished_shop, tmp_path):
    shutil.copytree(finished_shop, tmp_path / "shop", symlinks=True)
    return tmp_path / "shop"


def hashes(folder):
    manifests = sorted([*folder.glob("work/*/manifest.json"), *folder.glob("*.manifest.json")])
    return {str(m.relative_to(folder)): json.loads(m.read_text())["content"] for m in manifests}


def test_run_does_all_four_stages_and_prints_one_json_document(finished_shop):
    report = json.loads((finished_shop / "run.json").read_text())
    assert [(s["stage"], s["status"]) for s in report["stages"]] == [
        ("ingest", "done"),
        ("evaluate", "done"),
        ("train", "done"),
        ("recommend", "done"),
    ]
    assert report["stages"][2]["report"]["loss"][-1] < report["stages"][2]["report"]["loss"][0]
    assert len(hashes(finished_shop)) == 4


def test_a_second_run_has_nothing_to_do_and_changes_nothing(shop):
    before = hashes(shop)
    versions = sorted(p.name for p in shop.glob("**/versions/*"))
    ended = als_here("run", "-c", shop / "shop.yaml", "--json")
    assert ended.returncode == 0, ended.stderr
    assert {s["status"] for s in json.loads(ended.stdout)["stages"]} == {"up_to_date"}
    assert hashes(shop) == before
    assert sorted(p.name for p in shop.glob("**/versions/*")) == versions


@pytest.mark.parametrize(
    ("setting", "done"),
    [
        ("recommend.top_n=4", ["recommend"]),
        ("train.seed=9", ["evaluate", "train", "recommend"]),
        ("evaluate.at=[3]", ["evaluate"]),
        ("events.half_life=10d", ["ingest", "evaluate", "train", "recommend"]),
    ],
)
def test_only_what_depends_on_a_change_is_done_again(shop, setting, done):
    ended = als_here("run", "-c", shop / "shop.yaml", "--json", "--set", setting)
    assert ended.returncode == 0, ended.stderr
    assert [s["stage"] for s in json.loads(ended.stdout)["stages"] if s["status"] == "done"] == done


def test_changed_events_are_noticed_and_a_touched_file_is_not_a_change(shop):
    (shop / "events.csv").touch()
    ended = als_here("run", "-c", shop / "shop.yaml", "--json")
    assert {s["status"] for s in json.loads(ended.stdout)["stages"]} == {"up_to_date"}
    with (shop / "events.csv").open("a") as stream:
        stream.write("u000,i01,1769000000,view\n")
    ended = als_here("run", "-c", shop / "shop.yaml", "--json")
    assert {s["status"] for s in json.loads(ended.stdout)["stages"]} == {"done"}


def test_force_does_all_stages_again_with_the_same_bytes(shop):
    before = hashes(shop)
    ended = als_here("run", "-c", shop / "shop.yaml", "--json", "--force")
    assert {s["status"] for s in json.loads(ended.stdout)["stages"]} == {"done"}
    assert hashes(shop) == before


@pytest.mark.parametrize("engine", ["native", "implicit"])
def test_the_number_of_threads_changes_no_byte(shop, engine):
    contents = []
    for threads in (1, 2):
        setting = f"train.engine={engine}"
        ended = als("run", "-c", shop / "shop.yaml", "--force", "--set", setting, "--threads", threads)
        assert ended.returncode == 0, ended.stderr
        contents.append(hashes(shop))
    assert contents[0] == contents[1]


def test_a_broken_artifact_is_made_again(shop):
    (shop / "work/models/item_factors.arrow").write_bytes(b"x")
    ended = als_here("run", "-c", shop / "shop.yaml", "--json")
    assert ended.returncode == 0, ended.stderr
    assert [s["stage"] for s in json.loads(ended.stdout)["stages"] if s["status"] == "done"] == ["train"]


def test_the_lists_are_what_was_asked_for(finished_shop):
    lists = pl.read_parquet(finished_shop / "lists/part-*.parquet")
    assert lists.columns == ["user_id", "rank", "item_id", "score", "source"]
    assert lists.group_by("user_id").len()["len"].to_list() == [5] * 120
    assert "i07" not in lists["item_id"].to_list()  # price 0
    seen = pl.read_csv(finished_shop / "events.csv").select("user_id", "item_id").unique()
    assert lists.join(seen, on=["user_id", "item_id"]).is_empty()


def test_success_is_silent_off_a_terminal(shop):
    for command in ("ingest", "train", "evaluate", "recommend", "run"):
        ended = als_here(command, "-c", shop / "shop.yaml")
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", ""), command
    for command in (["run", "--force"], ["backtest"]):  # libraries may also write to the descriptors
        ended = als(*command, "-c", shop / "shop.yaml")
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", ""), command


def test_verbose_reports_on_stderr_and_keeps_stdout_for_data(shop):
    ended = als_here("train", "-c", shop / "shop.yaml", "-v")
    assert ended.stdout == ""
    assert "iteration 5: loss" in ended.stderr
    assert "trained 8 factors" in ended.stderr


def test_a_backtest_is_one_json_document_and_leaves_the_other_artifacts_alone(shop):
    before = hashes(shop)
    few = ["--set", "evaluate.backtest.cut_offs=2", "--set", "evaluate.backtest.step=3d"]
    ended = als_here("backtest", "-c", shop / "shop.yaml", "--json", *few)
    assert (ended.returncode, ended.stderr) == (0, "")
    report = json.loads(ended.stdout)
    assert len(report["cut_offs"]) == 2
    assert {one["baseline"] for one in report["leads"]} == {"popular", "recent_popular", "item_knn"}
    assert report["leader"] is None
    after = hashes(shop)
    assert after.pop("work/backtests/manifest.json")
    assert after == before
    ended = als_here("backtest", "-c", shop / "shop.yaml", "-v", *few)
    assert "lead of als" in ended.stderr


def test_a_leading_baseline_is_one_line_on_stderr_in_every_run(shop):
    weak = ["--set", "train.factors=1", "--set", "train.iterations=1"]
    line = r"warning: item_knn leads: ndcg@5 0\.\d{4}, als 0\.\d{4}; its lists would be better than .*\n"
    for command in ("evaluate", "run", "run"):  # the evaluation is up to date in the runs
        ended = als_here(command, "-c", shop / "shop.yaml", "--json", *weak)
        assert ended.returncode == 0, ended.stderr
        assert re.fullmatch(line, ended.stderr), ended.stderr
    report = json.loads(als_here("evaluate", "-c", shop / "shop.yaml", "--json", *weak).stdout)
    assert report["leader"]["baseline"] == "item_knn"
    assert report["leader"]["value"] > report["leader"]["model"]
    ended = als_here("backtest", "-c", shop / "shop.yaml", *weak)
    mean = line.replace("; its", r" \(means over 4 cut-offs\); its")
    assert re.fullmatch(mean, ended.stderr), ended.stderr


def test_the_default_gate_stops_a_model_that_a_baseline_leads(shop):
    weak = [
        "--set",
        "train.factors=1",
        "--set",
        "train.iterations=1",
        "--set",
        "evaluate.gate.metric=ndcg@10",
    ]
    before = hashes(shop)["lists.manifest.json"]
    for command in ("evaluate", "run"):
        ended = als_here(command, "-c", shop / "shop.yaml", *weak)
        assert ended.returncode == 5
        error, hint = ended.stderr.splitlines()
        assert re.fullmatch(
            r"error: quality gate not met: ndcg@10 of the model is 0\.\d+, "
            r"the strongest baseline, item_knn, demands at least 0\.\d+",
            error,
        )
        assert hint.startswith("hint: ")
        assert "evaluate.gate.at_least" in hint
    assert hashes(shop)["lists.manifest.json"] == before


def test_rows_stream_to_stdout(shop):
    ended = als(
        "recommend", "-c", shop / "shop.yaml", "--output", "-", "--set", "recommend.output.format=csv"
    )
    assert ended.returncode == 0, ended.stderr
    rows = list(csv.DictReader(io.StringIO(ended.stdout)))
    published = pl.read_parquet(shop / "lists/part-*.parquet")
    assert [row["item_id"] for row in rows] == published["item_id"].to_list()
    assert ended.stderr == ""


def test_events_come_from_stdin(shop):
    events = (shop / "events.csv").read_text()
    ended = als("ingest", "-c", shop / "shop.yaml", "--json", "--set", "events.source=-", input=events)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["users"] == 120


def test_stdin_that_closes_at_once_is_a_data_error_and_keeps_the_dataset(shop):
    before = hashes(shop)
    ended = als("ingest", "-c", shop / "shop.yaml", "--set", "events.source=-", input="")
    assert ended.returncode == 3
    assert ended.stderr.startswith("error: ")
    assert "stdin" in ended.stderr
    assert hashes(shop) == before


def test_show_answers_on_stdout(shop):
    user = als_here("show", "user", "u000", "-c", shop / "shop.yaml")
    assert user.returncode == 0, user.stderr
    assert "thing" in user.stdout  # titles of the catalogue
    assert "Red thing" in als_here("show", "item", "i01", "-c", shop / "shop.yaml").stdout
    model = als_here("show", "model", "-c", shop / "shop.yaml", "--json")
    assert json.loads(model.stdout)


def test_an_unknown_user_is_one_line_with_a_hint(shop):
    ended = als_here("show", "user", "u00", "-c", shop / "shop.yaml")
    assert ended.returncode == 3
    assert "u00" in ended.stderr
    assert "hint:" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["train"], 2),
        (["trian", "-c", "shop.yaml"], 2),
        (["train", "-c", "nowhere.yaml"], 2),
        (["train", "-c", "shop.yaml", "--set", "train.factors=many"], 2),
        (["train", "-c", "shop.yaml", "--set", "train.factors=500"], 2),
        (["train", "-c", "shop.yaml", "-v", "-q"], 2),
        (["ingest", "-c", "shop.yaml", "--set", "events.source=nothing/*.csv"], 3),
        (["train", "-c", "shop.yaml", "--set", "workspace=empty"], 4),
        (["recommend", "-c", "shop.yaml", "--set", "workspace=empty"], 4),
        (["show", "model", "-c", "shop.yaml", "--set", "workspace=empty"], 4),
        (["backtest", "-c", "shop.yaml", "--set", "evaluate.split={by: random}"], 2),
        (["backtest", "-c", "shop.yaml", "--set", "evaluate.split.test=90d"], 3),
        (["backtest", "-c", "shop.yaml", "--set", "workspace=empty"], 4),
        (["evaluate", "-c", "shop.yaml", "--set", "evaluate.gate={metric: ndcg@10, at_least: 0.99}"], 5),
        (["train", "-c", "shop.yaml", "--set", "workspace=events.csv"], 7),
        (["train", "-c", "shop.yaml", "--log-file", "events.csv/als.log"], 7),
    ],
)
def test_failures_have_their_exit_codes_and_no_traceback(shop, arguments, code):
    before = hashes(shop)
    ended = als_here(*arguments, cwd=shop)
    assert ended.returncode == code, ended.stderr
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr
    assert ended.stderr.strip()
    assert {name: content for name, content in hashes(shop).items() if "evaluations" not in name} == {
        name: content for name, content in before.items() if "evaluations" not in name
    }


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["trian", "-c", "shop.yaml"], 2),
        (["ingest", "-c", "shop.yaml", "--set", "events.source=nothing/*.csv"], 3),
        (["train", "-c", "shop.yaml", "--set", "workspace=empty"], 4),
        (["evaluate", "-c", "shop.yaml", "--set", "evaluate.gate={metric: ndcg@10, at_least: 0.99}"], 5),
        (["train", "-c", "shop.yaml", "--set", "workspace=events.csv"], 7),
    ],
)
def test_a_process_ends_with_the_exit_code(shop, arguments, code):
    ended = als(*arguments, cwd=shop)
    assert (ended.returncode, ended.stdout) == (code, "")
    assert "error: " in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_gate_that_was_not_met_stops_the_next_run_as_well(shop):
    gate = "evaluate.gate={metric: ndcg@10, at_least: 0.99}"
    before = hashes(shop)
    for _ in range(2):
        ended = als_here("run", "-c", shop / "shop.yaml", "--set", gate, "--set", "recommend.top_n=3")
        assert ended.returncode == 5
        assert "ndcg@10" in ended.stderr
    assert hashes(shop)["lists.manifest.json"] == before["lists.manifest.json"]


def test_python_m_and_version():
    ended = als("--version")
    assert ended.returncode == 0
    assert ended.stdout.startswith("als-cli ")
