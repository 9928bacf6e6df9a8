"""Test metrics of `als` with defaults on three published splits, next to published metrics of other methods.

    python tests/benchmarks/published.py [gowalla ml1m_topn ml1m_ncf] [--set train.factors=256 ...]

Needs the research data in shared/data beside the checkout. The whole job runs: raw file, ingest, training, ranking.
Published rows are cited from shared/data/README.md. The test sets are for reports only: never select settings on them.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import machine

from als_cli.als.threads import available_threads
from als_cli.config.loading import load_config
from als_cli.stages.context import StageContext
from als_cli.stages.evaluate import evaluate
from als_cli.stages.ingest import ingest

PUBLIC = Path(__file__).resolve().parents[3] / "shared" / "data"
SPLITS = {
    "gowalla": (20, ("recall@20", "ndcg@20")),
    "ml1m_topn": (10, ("ndcg@10", "recall@10", "precision@10")),
    "ml1m_ncf": (10, ("hit_rate@10", "ndcg@10")),
}
PUBLISHED: dict[str, dict[str, tuple[float, ...]]] = {
    "gowalla": {
        "ItemPop": (0.0416, 0.0317), "EASE": (0.1765, 0.1467), "LightGCN": (0.1820, 0.1547),
        "UltraGCN": (0.1862, 0.1580), "SimpleX": (0.1872, 0.1557),
    },
    "ml1m_topn": {
        "MostPop": (0.1622, 0.0858, 0.1393), "MultiDAE": (0.3001, 0.1780, 0.2470), "EASE": (0.3433, 0.1965, 0.2800),
    },
    "ml1m_ncf": {
        "TopPop": (0.4533, 0.2542), "NeuMF": (0.7093, 0.4349), "EASE": (0.7192, 0.4494), "iALS d=192": (0.7310, 0.4521),
    },
}  # fmt: skip


def settings_of(name: str, workspace: str) -> list[str]:
    """Return the `--set` settings for the files of split `name` and for its evaluation."""
    folder, (k, _) = PUBLIC / name, SPLITS[name]
    given = [
        f"workspace={workspace}",
        f"events.source={folder / 'train.parquet'}",
        f"evaluate.split={{by: file, path: {folder / 'test.parquet'}}}",
        f"evaluate.at=[{k}]",
    ]
    if (folder / "test_candidates.parquet").exists():
        given.append(f"evaluate.candidates.path={folder / 'test_candidates.parquet'}")
    return given


def scored(name: str, settings: list[str], threads: int) -> tuple[dict[str, dict[str, float]], float]:
    """Return the test metrics of each method on split `name`, and the seconds of the whole job."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as workspace:
        given = [*settings_of(name, workspace), *settings]
        context = StageContext(config=load_config(None, given, environment={}), threads=threads)
        ingest(context)
        report = evaluate(context)
    return {method.method: method.metrics for method in report.methods}, time.perf_counter() - started


def report(name: str, settings: list[str], threads: int) -> None:
    """Print the metrics of als-cli on split `name` under `settings`, and the published metrics."""
    if not (PUBLIC / name).is_dir():
        print(f"\n{name}: not beside the checkout")
        return
    _, metrics = SPLITS[name]
    figures, seconds = scored(name, settings, threads)
    print(f"\n{name} ({seconds:.0f} s, all methods)  {'  '.join(metrics)}")
    for method, values in PUBLISHED[name].items():
        print(f"  {method:22} " + "  ".join(f"{value:.4f}" for value in values))
    for method, measured in figures.items():
        print(f"  als-cli: {method:13} " + "  ".join(f"{measured[metric]:.4f}" for metric in metrics))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("splits", nargs="*", default=list(SPLITS))
    parser.add_argument("--set", action="append", default=[], dest="settings")
    options = parser.parse_args()
    threads = available_threads()
    print(machine.describe(threads))
    for name in options.splits:
        report(name, options.settings, threads)


if __name__ == "__main__":
    main()
