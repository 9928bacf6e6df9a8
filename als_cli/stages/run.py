"""`als run`: ingest, evaluate, train and recommend, without the stages that are up to date."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from als_cli.ranking.rules.rule_tables import check_rule_tables
from als_cli.ranking.warm_up import start_warm_up
from als_cli.reports import Report, StageOutcome
from als_cli.stages.context import StageContext
from als_cli.stages.evaluate import evaluate, evaluate_key, recheck_gate
from als_cli.stages.ingest import ingest, ingest_key
from als_cli.stages.recommend import published_recommendations, recommend, recommend_key
from als_cli.stages.train import is_model_kept, train, train_key
from als_cli.storage.manifest import Manifest, whole_manifest
from als_cli.storage.output_checks import check_lists_output
from als_cli.storage.sinks.lists_place import lists_place
from als_cli.storage.sinks.target import target_of
from als_cli.storage.versions import Place, VersionedPlace

log = logging.getLogger(__name__)


class RunReport(Report):
    """What `run` did."""

    stages: tuple[StageOutcome, ...]
    seconds: float


@dataclass(frozen=True)
class _Stage:
    name: str
    do: Callable[[StageContext], Report]
    key: Callable[[StageContext], str | None]
    """The key that the artifact would have now. None if the stage must always run, because stdin is an input."""
    published: Callable[[StageContext], Manifest | None]
    place: Callable[[StageContext], VersionedPlace | None]
    """The place where the stage publishes; None for stdout."""
    when_up_to_date: Callable[[StageContext], None] = lambda _context: None
    is_due: Callable[[StageContext], bool] = lambda _context: True
    """Whether the stage should run if it is out of date."""


_STAGES = (
    _Stage(
        "ingest",
        ingest,
        ingest_key,
        lambda c: whole_manifest(c.dataset_place, "dataset"),
        lambda c: Place("dataset", c.dataset_place),
    ),
    _Stage(
        "evaluate",
        evaluate,
        evaluate_key,
        lambda c: whole_manifest(c.evaluations_place, "evaluation"),
        lambda c: Place("evaluation", c.evaluations_place),
        # A gate that the published evaluation does not pass must stop this run too.
        recheck_gate,
        lambda c: not is_model_kept(c),
    ),
    _Stage(
        "train",
        train,
        train_key,
        lambda c: whole_manifest(c.models_place, "model"),
        lambda c: Place("model", c.models_place),
        is_due=lambda c: not is_model_kept(c),
    ),
    _Stage(
        "recommend",
        recommend,
        recommend_key,
        published_recommendations,
        lambda c: lists_place(target_of(c.config.recommend.output)),
    ),
)


def run(context: StageContext, *, force: bool = False) -> RunReport:
    """Return the outcome of each stage; `force` runs all stages.

    A stage is up to date if its artifact is complete and its key is unchanged. The key is a hash of the config and the
    contents of all inputs. A stage does not run either if it would make a version again that a rollback left. Evaluation
    and training do not run while `train.again_after` keeps the model.

    Raises
    ------
    AlsError
        A stage failed. Later stages do not run. Published artifacts stay.
    """
    started = time.perf_counter()
    # Checked first: otherwise the run could fail after hours of work, when it writes the lists.
    check_lists_output(context.config, context.config_file)
    check_rule_tables(context.config.recommend, context.config.events.as_of)
    outcomes = [_run_if_needed(stage, context, force=force) for stage in _STAGES]
    return RunReport(stages=tuple(outcomes), seconds=time.perf_counter() - started)


def ingest_if_needed(context: StageContext) -> StageOutcome:
    """Return the outcome of stage `ingest`, which runs if the dataset is missing or out of date, as in :func:`run`."""
    return _run_if_needed(_STAGES[0], context, force=False)


def _run_if_needed(stage: _Stage, context: StageContext, *, force: bool) -> StageOutcome:
    started = time.perf_counter()
    published = None if force else stage.published(context)
    status = None if published is None else _status(stage, context, published)
    if status is not None:
        stage.when_up_to_date(context)
        log.info("%s: %s", stage.name, status.replace("_", " "))
        return StageOutcome(
            stage=stage.name, status=status, seconds=time.perf_counter() - started, report=None
        )
    log.info("%s: started", stage.name)
    start_warm_up(context.config.train.engine)
    report = stage.do(context)
    seconds = time.perf_counter() - started
    log.info("%s: done in %.1f s", stage.name, seconds)
    return StageOutcome(stage=stage.name, status="done", seconds=seconds, report=report)


def _status(
    stage: _Stage, context: StageContext, published: Manifest
) -> Literal["up_to_date", "not_due", "rolled_back"] | None:
    """Return why `stage` need not run, None if it must."""
    key = stage.key(context)
    if published.key == key:
        return "up_to_date"
    if not stage.is_due(context):
        return "not_due"
    place = stage.place(context)
    return "rolled_back" if key is not None and place is not None and key in place.left_keys() else None
