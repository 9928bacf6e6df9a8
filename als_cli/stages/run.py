"""`als run`: ingest, evaluate, train, recommend; a stage whose inputs and config are unchanged is left as it is."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from als_cli.reports import Report, StageOutcome
from als_cli.stages.context import StageContext
from als_cli.stages.evaluate import evaluate, evaluate_key, recheck_gate
from als_cli.stages.ingest import ingest, ingest_key
from als_cli.stages.places import check_lists_place
from als_cli.stages.recommend import published_recommendations, recommend, recommend_key
from als_cli.stages.train import train, train_key
from als_cli.stages.warm_up import start_warm_up
from als_cli.storage.manifest import Manifest, published_manifest

log = logging.getLogger(__name__)


class RunReport(Report):
    """What `run` did."""

    stages: tuple[StageOutcome, ...]
    seconds: float


@dataclass(frozen=True)
class _Step:
    name: str
    do: Callable[[StageContext], Report]
    key: Callable[[StageContext], str | None]
    """What the artifact would be made from now; None: always do it (stdin cannot be compared)."""
    published: Callable[[StageContext], Manifest | None]
    when_up_to_date: Callable[[StageContext], None] = lambda _context: None


_STEPS = (
    _Step("ingest", ingest, ingest_key, lambda c: published_manifest(c.dataset_place, "dataset")),
    _Step(
        "evaluate",
        evaluate,
        evaluate_key,
        lambda c: published_manifest(c.evaluations_place, "evaluation"),
        # A gate that was not met yesterday must stop today's run as well.
        recheck_gate,
    ),
    _Step("train", train, train_key, lambda c: published_manifest(c.models_place, "model")),
    _Step("recommend", recommend, recommend_key, published_recommendations),
)


def run(context: StageContext, *, force: bool = False) -> RunReport:
    """Return what each stage did; `force` does them all.

    A stage is up to date when its artifact is whole and its key (config and contents of all inputs) is the same.

    Raises
    ------
    AlsError
        Whatever a stage raises; the later stages are not begun, what was published stays.
    """
    started = time.perf_counter()
    check_lists_place(context)  # before hours of work whose lists could not be written
    outcomes = [_take(step, context, force=force) for step in _STEPS]
    return RunReport(stages=tuple(outcomes), seconds=time.perf_counter() - started)


def ingest_if_needed(context: StageContext) -> StageOutcome:
    """Return what happened to the dataset: made where there is none, or where it is out of date, as in :func:`run`."""
    return _take(_STEPS[0], context, force=False)


def _take(step: _Step, context: StageContext, *, force: bool) -> StageOutcome:
    started = time.perf_counter()
    published = None if force else step.published(context)
    if published is not None and published.key == step.key(context):
        step.when_up_to_date(context)
        log.info("%s: up to date", step.name)
        return StageOutcome(
            stage=step.name, status="up_to_date", seconds=time.perf_counter() - started, report=None
        )
    log.info("%s: started", step.name)
    start_warm_up(context.config.train.engine)
    report = step.do(context)
    seconds = time.perf_counter() - started
    log.info("%s: done in %.1f s", step.name, seconds)
    return StageOutcome(stage=step.name, status="done", seconds=seconds, report=report)
