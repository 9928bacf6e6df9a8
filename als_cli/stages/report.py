"""`als report`: the HTML report, made from stored artifacts. Other commands write it when they end."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from als_cli import NOTICE
from als_cli.errors import AlsError, GateError
from als_cli.report.artifacts import Artifacts, WorkspaceFolders, open_artifacts
from als_cli.report.content import ReportContent, report_content
from als_cli.report.page import page_of
from als_cli.report.script import chart_library, require_report_extra
from als_cli.reports import Report
from als_cli.stages.context import StageContext, reads_events
from als_cli.storage.output_checks import check_report_output
from als_cli.storage.published_lists import lists_spool
from als_cli.storage.report_file import report_path, write_report

log = logging.getLogger(__name__)


class PageReport(Report):
    """What `report` wrote."""

    report: str
    """Path of the page."""
    bytes: int
    sections: tuple[str, ...]
    """Ids of the sections that the page has. A section is absent if its artifact does not exist."""
    verdict: str | None
    """The summary of the quality in plain words; None without an evaluation."""
    seconds: float


@reads_events
def report(context: StageContext) -> PageReport:
    """Return what was written: one HTML page about the stored artifacts.

    Raises
    ------
    ArtifactError
        There is no dataset, or an artifact is broken.
    ConfigError
        The extra `report` is not installed, or the path is an input, an artifact or a file of another program.
    DataError
        The catalogue or the published lists cannot be read.
    LockedError
        Another run writes the same report.
    ResourceError
        The page cannot be written.
    """
    started = time.perf_counter()
    check_report(context)
    path = report_path(context.config)
    found: list[ReportContent] = []
    with lists_spool(context.workspace) as spool:
        artifacts = artifacts_of(context, spool)

        def content_at(scale: float) -> ReportContent:
            found.append(report_content(artifacts, context.workspace.name, scale))
            return found[-1]

        page = page_of(content_at, chart_library())
    write_report(path, page)
    content = found[-1]
    return PageReport(
        report=str(path),
        bytes=len(page),
        sections=tuple(name for name, _ in content.sections),
        verdict=None if content.verdict is None else content.verdict.text,
        seconds=time.perf_counter() - started,
    )


def artifacts_of(context: StageContext, spool: Path | None = None) -> Artifacts:
    """Return the current artifacts of the workspace, and the published lists.

    Lists in a database are copied into `spool`, by default a folder in the workspace. The caller removes it.

    Raises
    ------
    ArtifactError
        There is no dataset, or an artifact is broken.
    """
    workspace = WorkspaceFolders(
        context.workspace,
        context.dataset_place,
        context.models_place,
        context.choice_place,
        context.evaluations_place,
        context.backtests_place,
        context.hindsight_folder,
        spool or context.workspace / ".lists",
    )
    return open_artifacts(workspace, context.config.recommend, context.config.report, context.threads)


def check_report(context: StageContext) -> None:
    """Return when a report can be made, and its file may be written.

    Raises
    ------
    ConfigError
        The extra `report` is not installed, or the path is an input, an artifact or a file of another program.
    """
    require_report_extra()
    check_report_output(context.config, context.config_file)


@contextmanager
def reporting(context: StageContext) -> Iterator[None]:
    """Write the report after the block, also if a gate was not met. Without `report.path`, do nothing.

    The block has published its results, so a report that cannot be made is only a warning.

    Raises
    ------
    ConfigError
        Errors of :func:`check_report`, before the block.
    """
    if context.config.report.path is None:
        yield
        return
    check_report(context)
    try:
        yield
    except GateError:
        _report_or_warn(context)
        raise
    _report_or_warn(context)


def _report_or_warn(context: StageContext) -> None:
    try:
        written = report(context)
    except AlsError as failure:
        log.warning("the report was not written: %s", failure.message)
    else:
        log.log(NOTICE, "report: %s", written.report)
