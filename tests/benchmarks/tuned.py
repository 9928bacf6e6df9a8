"""Search hyperparameters for the three published splits with `als tune`, or evaluate the results on the test sets.

    python tests/benchmarks/tuned.py --search ml1m_ncf [--workspace FOLDER] [--trials 20]
    python tests/benchmarks/tuned.py [gowalla ml1m_topn ml1m_ncf]

A search reads the training file only: its folds are random samples of the pairs. With --workspace it continues after an
interruption. The results of the last searches are copied to WINNERS, so only the second command reads the test sets.

ml1m_ncf ranks the test item among 99 sampled items of 3,704. Rank 10 there is about rank 350 of a full ranking, and its
nDCG counts ranks up to that. The search therefore maximises recall@100 of the full ranking. Published rows: see
published.py.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import machine
import published
import yaml

from als_cli.als.threads import available_threads
from als_cli.config.loading import load_config
from als_cli.stages.context import StageContext
from als_cli.stages.tune import tune

SEARCHES = {
    # Bounds around the best of 72 trials with 1,024 factors on tune_train and tune_valid, by the same sampler.
    "gowalla": {
        "metric": "ndcg@20", "share": 0.1, "folds": 1, "users": 8000, "trials": 60, "screen": {"trials": 0},
        "space": {
            "factors": [2048], "iterations": [2, 4], "unobserved_weight": [16, 200], "regularization": [0.0008, 0.01],
            "frequency_exponent": [0.95, 1.2], "user_exponent": [0, 0.3], "item_exponent": [0, 0.4],
            "fold_in_regularization": [0.0625, 1], "fold_in_item_exponent": [0, 0.5],
        },
    },
    "ml1m_topn": {
        "metric": "ndcg@10", "share": 0.05, "folds": 4, "users": "all", "trials": 160,
        "space": {"factors": [128, 256, 384, 512], "iterations": [2, 12], "regularization": [0.001, 0.05]},
    },
    "ml1m_ncf": {
        "metric": "recall@100", "share": 0.05, "folds": 3, "users": "all", "trials": 140,
        "space": {"factors": [128, 192, 256], "iterations": [4, 14], "regularization": [0.001, 0.05]},
    },
}  # fmt: skip
WINNERS: dict[str, dict[str, object]] = {
    "gowalla": {
        "factors": 2048, "iterations": 2, "regularization": 0.001026, "frequency_exponent": 1.114,
        "unobserved_weight": 0.06992, "confidence": {"user_exponent": 0.2387, "item_exponent": 0.367},
        "fold_in": {"regularization": 0.0002221, "item_exponent": 0.01762},
    },
    "ml1m_topn": {
        "factors": 256, "iterations": 4, "regularization": 0.001847, "frequency_exponent": 1.102,
        "unobserved_weight": 0.8419, "confidence": {"user_exponent": 0.2345, "item_exponent": 0.3012},
        "fold_in": {"regularization": 0.004771, "item_exponent": 0.2483},
    },
    "ml1m_ncf": {
        "factors": 256, "iterations": 7, "regularization": 0.002607, "frequency_exponent": 1.115,
        "unobserved_weight": 0.4389, "confidence": {"user_exponent": 0.0175, "item_exponent": 0.2325},
        "fold_in": {"regularization": 0.001234, "item_exponent": 0.2135},
    },
}  # fmt: skip


def search(name: str, workspace: str, trials: int | None, threads: int) -> None:
    """Print all trials and the winning section `train` of a search on split `name`."""
    section = SEARCHES[name] | ({"trials": trials} if trials else {})
    given = [
        *published.settings_of(name, workspace),
        f"tune={yaml.safe_dump(section, default_flow_style=True)}",
    ]
    # A search does not read the test file, but the split needs its path.
    context = StageContext(config=load_config(None, given, environment={}), threads=threads)
    started = time.perf_counter()
    report = tune(context, ingest=True)
    for trial in report.trials:
        value = trial.state if trial.value is None else f"{trial.value:.5f}"
        print(
            f"  {trial.number:3} {value} {trial.seconds:6.1f} s  {'as given' if trial.untuned else trial.parameters}"
        )
    train = yaml.safe_load(Path(report.config).read_text(encoding="utf-8"))["train"]
    print(f"{name}: {report.metric} {report.best.value:.5f}, untuned {report.untuned.value:.5f}, ", end="")
    print(f"{len(report.trials)} trials, {time.perf_counter() - started:.0f} s\n  {train}")


def judge(name: str, threads: int) -> None:
    """Print the test metrics of the winner of split `name`, and the published metrics."""
    if name not in WINNERS:
        print(f"\n{name}: not searched yet")
        return
    train = yaml.safe_dump(WINNERS[name], default_flow_style=True, width=10_000).strip()
    published.report(name, [f"train={train}", "evaluate.baselines=[]"], threads)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("splits", nargs="*", default=list(published.SPLITS))
    parser.add_argument("--search", action="store_true")
    parser.add_argument("--trials", type=int)
    parser.add_argument("--workspace")
    options = parser.parse_args()
    threads = available_threads()
    print(machine.describe(threads))
    for name in options.splits:
        if not options.search:
            judge(name, threads)
            continue
        with tempfile.TemporaryDirectory() as folder:
            workspace = str(Path(options.workspace or folder) / name)
            search(name, workspace, options.trials, threads)


if __name__ == "__main__":
    main()
