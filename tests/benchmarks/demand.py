"""Quality on time splits with the shipped configs, and seconds of `als train` with defaults, next to their targets.

    python tests/benchmarks/demand.py [PART ...] [--repeats 3]

| part | prints |
|---|---|
| `online_retail`, `deskdrop` | metrics of the shipped config on its test period, the chosen settings, the seconds |
| `backtest` | the mean over the four periods before the test period of Online Retail II (docs/evaluation.md) |
| `gowalla`, `ml1m_topn`, `small_catalogue` | seconds of `als train` with defaults; the last data set is synthetic |

Needs the research data in shared/data beside the checkout. A data set that is absent is left out with a message.

In the first part, `auto` is resolved before the evaluation in the same way as by the evaluation. The seconds of choosing
and of training are therefore separate. The evaluation then uses the numbers.

The seconds of `als train` are those of the whole stage, from the dataset on disk to the published model, without the
start of the process. The stage runs twice: with a search of `auto`, and again with the stored choice.

Kernels are loaded before the first measurement. Seconds are the median of the repeats, with minimum and maximum.
Test periods are for reports only: never select settings on them.
"""

import argparse
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import machine
import synthetic

from als_cli.als import native
from als_cli.als.engine import Iteration
from als_cli.als.threads import available_threads
from als_cli.config.fields import format_duration
from als_cli.config.loading import load_config
from als_cli.config.train import HalfLife, TrainConfig
from als_cli.evaluation.report import EvaluateReport
from als_cli.ranking import native_top_n
from als_cli.splitting.auto_split import given_split
from als_cli.splitting.division import EvaluationSets, divide
from als_cli.splitting.protocol import SplitProtocol
from als_cli.stages.backtest import backtest
from als_cli.stages.context import StageContext
from als_cli.stages.evaluate import evaluate
from als_cli.stages.ingest import ingest
from als_cli.stages.train import train
from als_cli.storage.dataset_files import open_dataset
from als_cli.tuning.auto import AutoSearch, Choice, horizon_of
from als_cli.tuning.parameters import recipe_for

ROOT = Path(__file__).resolve().parents[2]
PUBLIC = ROOT.parent / "shared" / "data"
METRIC = "ndcg@10"
SYNTHETIC = "small_catalogue"
BASELINES = "evaluate.baselines=[popular,recent_popular,item_knn,item_bm25]"
BEFORE_TEST_PERIOD = "events.where=StockCode ~ '^[0-9]{5}' and InvoiceDate < '2011-11-11'::timestamp"
EARLIER_MEAN = 0.0850
"""Mean NDCG@10 of the backtest before the ranking followed demand."""


def context_of(name: str, folder: Path, settings: list[str], threads: int) -> StageContext:
    """Return the context of the shipped config `name`, with its data in `PUBLIC` and all outputs in `folder`."""
    text = (ROOT / "configs" / f"{name}.yaml").read_text(encoding="utf-8")
    given = [f"workspace={folder / 'work'}", BASELINES, *settings]
    if name == "deskdrop":
        with zipfile.ZipFile(PUBLIC / name / "users_interactions.csv.zip") as archive:
            given.append(f"events.source={archive.extract('users_interactions.csv', folder)}")
    config = folder / f"{name}.yaml"
    config.write_text(text.replace(f"data/{name}", str(PUBLIC / name)), encoding="utf-8")
    return StageContext(config=load_config(config, given, environment={}), threads=threads)


def report_evaluation(name: str, threads: int, repeats: int) -> None:
    """Print the metrics of the evaluation with config `name`, the chosen settings and the seconds."""
    with tempfile.TemporaryDirectory() as folder:
        context = context_of(name, Path(folder), [], threads)
        ingest(context)
        sets = _division(context)
        search = AutoSearch(
            context.config.events,
            threads,
            horizon=horizon_of(context.config.train, context.config.evaluate.split),
        )
        choices: list[Choice | None] = []
        choosing = [
            machine.seconds_of(
                lambda: choices.append(search.choose(context.config.train, sets.events.training))
            )
            for _ in range(repeats)
        ]
        choice = choices[0]
        if any(other != choice for other in choices):
            raise SystemExit(f"{name}: the repeats chose different settings")
        matrix = sets.training.matrix
        chosen = context.config.train if choice is None else choice.apply(context.config.train, matrix)
        recipe = recipe_for(matrix, chosen, threads)
        training = [
            machine.seconds_of(lambda: recipe.fit(matrix, _ignored, sets.training.times))
            for _ in range(repeats)
        ]
        config = context.config.model_copy(update={"train": chosen})
        report = evaluate(StageContext(config=config, threads=threads))
    _print_metrics(name, report)
    if choice is not None:
        print(f"  validation {choice.metric} {choice.value:.4f}: {choice.users} users, {choice.periods} sets")
    print(f"  chosen: {_settings(chosen)}")
    print(f"  choosing {machine.middle(choosing)}, training {machine.middle(training)}, median of {repeats}")


def report_backtest(name: str, threads: int, _repeats: int) -> None:
    """Print NDCG@10 by cut-off and its mean, for the model and each baseline. There are no repeats."""
    with tempfile.TemporaryDirectory() as folder:
        context = context_of("online_retail", Path(folder), [BEFORE_TEST_PERIOD], threads)
        ingest(context)
        report = backtest(context)
    print(f"\n{name} of online_retail before its test period, {METRIC}; {report.seconds:.0f} s, all methods")
    methods = [method.method for method in report.cut_offs[0].methods]
    print("  cut-off       users  " + "  ".join(f"{method:>14}" for method in methods))
    for cut_off in report.cut_offs:
        values = {method.method: method.metrics[METRIC] for method in cut_off.methods}
        users = cut_off.counts["users_evaluated"]
        print(
            f"  {cut_off.cut_off[:10]}  {users:7,}  " + "  ".join(f"{values[name]:14.4f}" for name in methods)
        )
    means = {spread.method: spread.mean for spread in report.spreads if spread.metric == METRIC}
    print(f"  {'mean':19}  " + "  ".join(f"{means[name]:14.4f}" for name in methods))
    for lead in (lead for lead in report.leads if lead.metric == METRIC):
        print(
            f"  als - {lead.baseline:14} {_interval(lead)}, better at {lead.clearly_ahead} of {lead.cut_offs}"
        )
    print(f"  mean of als {means['als']:.4f}, before: {EARLIER_MEAN:.4f}")


def report_training(name: str, threads: int, repeats: int) -> None:
    """Print the seconds of `als train` with defaults on data set `name`, with and without a stored choice."""
    with tempfile.TemporaryDirectory() as folder:
        file, columns = PUBLIC / name / "train.parquet", "{}"
        if name == SYNTHETIC:
            file, columns = Path(folder) / "events.parquet", "{timestamp: timestamp}"
            synthetic.small_catalogue().write_parquet(file)
        given = [f"workspace={folder}/work", f"events.source={file}", f"events.columns={columns}"]
        context = StageContext(config=load_config(None, given, environment={}), threads=threads)
        ingest(context)
        reports, again = [], []
        for _ in range(repeats):
            shutil.rmtree(context.choice_place, ignore_errors=True)
            reports.append(train(context))
            again.append(train(context).seconds)
    one, seconds = reports[0], [report.seconds for report in reports]
    print(f"\n{name}: {one.interactions:,} pairs, {one.users:,} users, {one.items:,} items, defaults")
    print(
        f"  als train {machine.middle(seconds)}, again with the stored choice {machine.middle(again)}, ",
        end="",
    )
    print(f"median of {repeats}; {one.factors} factors, {len(one.loss)} iterations")


def _division(context: StageContext) -> EvaluationSets:
    """Return the training set and the test set that the evaluation uses."""
    section, signal = context.config.evaluate, context.config.events
    clean = open_dataset(context.dataset_place).scan_events()
    split, _ = given_split(clean, signal, section)
    return divide(clean, signal, SplitProtocol.of(section, split))


def _print_metrics(name: str, report: EvaluateReport) -> None:
    comparisons = {one.baseline: one for one in report.comparisons if one.metric == METRIC}
    print(f"\n{name}: {report.counts['users_evaluated']:,} users, cut-off {report.cut_off}, {METRIC}")
    for method in report.methods:
        line = f"  {method.method:15} {method.metrics[METRIC]:.4f}"
        if method.method in comparisons:
            line += f"  als - baseline {_interval(comparisons[method.method])}"
        half_life = getattr(method, "half_life", None)
        print(line + (f", half-life {half_life}" if half_life else ""))


def _interval(one) -> str:
    """Return difference, 95 % interval and conclusion of a comparison."""
    return f"{one.difference:+.4f} ({one.low:+.4f} to {one.high:+.4f}) {one.conclusion}"


def _settings(chosen: TrainConfig) -> str:
    demand, fold_in = chosen.demand, chosen.fold_in
    return (
        f"{chosen.factors} factors, {chosen.iterations} iterations, fold_in.half_life {_text(fold_in.half_life)}, "
        f"demand: half_life {_text(demand.half_life)}, exponent {demand.exponent}, "
        f"long_run_half_life {_text(demand.long_run_half_life)}, long_run_exponent {demand.long_run_exponent}, "
        f"offset {demand.offset}"
    )


def _text(half_life: HalfLife) -> str:
    """Return the half-life as in the config. Without a selected half-life, it is infinite."""
    return "infinite" if isinstance(half_life, str) else format_duration(half_life)


def _ignored(_iteration: Iteration) -> None:
    """Take the report of an iteration, which is not printed."""


def main() -> None:
    """Print the parts that the command line names."""
    reports = {
        **dict.fromkeys(("online_retail", "deskdrop"), report_evaluation),
        "backtest": report_backtest,
        **dict.fromkeys(("gowalla", "ml1m_topn", SYNTHETIC), report_training),
    }
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", default=list(reports), metavar="PART")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    if unknown := sorted(set(options.parts) - reports.keys()):
        parser.error(f"{', '.join(unknown)}: a PART is one of {', '.join(reports)}")
    threads = available_threads()
    print(machine.describe(threads), f"load {machine.load_average()}", sep="\n")
    native.warm_up()
    native_top_n.warm_up()
    for part in options.parts:
        data = "online_retail" if part == "backtest" else part
        if part != SYNTHETIC and not (PUBLIC / data).is_dir():
            print(f"\n{part}: the data set {data} is not beside the checkout")
            continue
        reports[part](part, threads, options.repeats)


if __name__ == "__main__":
    main()
