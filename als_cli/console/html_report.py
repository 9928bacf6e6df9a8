"""The HTML report that commands write when they end."""

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from als_cli.stages.context import StageContext

_WITH_REPORT = ("run", "evaluate", "hindsight", "backtest", "tune")
"""Stages after which the report is written, if `report.path` is set."""


def reporting_after(name: str, context: "StageContext") -> AbstractContextManager[None]:
    """Return the context that writes the report after stage `name`, if the config names its path."""
    if name not in _WITH_REPORT or context.config.report.path is None:
        return nullcontext()
    from als_cli.stages.report import reporting

    return reporting(context)
