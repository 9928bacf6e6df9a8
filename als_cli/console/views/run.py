"""The report of `als run`: the reports of its stages, one after the other."""

from collections.abc import Callable
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from als_cli.console.escapes import escaping
from als_cli.console.views.evaluate import render_evaluate
from als_cli.console.views.ingest import render_ingest
from als_cli.console.views.recommend import render_recommend
from als_cli.console.views.train import render_train
from als_cli.stages.run import RunReport

_VIEWS: dict[str, Callable[[Any], RenderableType]] = {
    "ingest": render_ingest,
    "evaluate": render_evaluate,
    "train": render_train,
    "recommend": render_recommend,
}


@escaping
def render_run(report: RunReport) -> RenderableType:
    """Return the report of each stage under its name. If no stage ran, add a line that says so."""
    parts: list[RenderableType] = []
    for outcome in report.stages:
        state = outcome.status.replace("_", " ") if outcome.report is None else f"{outcome.seconds:.1f} s"
        parts.append(Text(f"{outcome.stage} · {state}", style="bold"))
        if outcome.report is not None:
            parts.extend((_VIEWS[outcome.stage](outcome.report), Text()))
    if all(outcome.report is None for outcome in report.stages):
        parts.append(Text("nothing to do"))
    return Group(*parts)
