"""The evaluations on disk are the history of the quality, which `als evaluate` plots."""

from tests.in_process import als_here, done
from tests.shop import write_shop


def test_the_history_has_the_evaluations_on_disk(tmp_path):
    config = write_shop(tmp_path)
    done("ingest", "-c", config)
    values = []
    for factors in (2, 3, 4):
        report = done("evaluate", "-c", config, "--set", "keep=3", "--set", f"train.factors={factors}")
        k = min(report["at"])
        values.append(
            next(one for one in report["methods"] if one["method"] == "als")["metrics"][f"ndcg@{k}"]
        )
        assert [one["value"] for one in report["history"]] == values
    shown = als_here("evaluate", "-c", config, "--set", "keep=3", "-v")
    assert f"ndcg@{k} of als in the evaluations on disk" in shown.stderr
