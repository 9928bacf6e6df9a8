"""The report of `als report`."""

from rich.console import Group, RenderableType
from rich.text import Text

from als_cli.console.escapes import escaping
from als_cli.console.paths import short_path
from als_cli.stages.report import PageReport


@escaping
def render_report(report: PageReport) -> RenderableType:
    """Return the verdict, and what was written."""
    written = f"wrote {report.bytes / 1e6:.1f} MB in {report.seconds:.1f} s: {', '.join(report.sections)}"
    verdict = [] if report.verdict is None else [Text(report.verdict.replace("`", ""))]
    return Group(*verdict, Text(written), Text(f"report: {short_path(report.report)}", overflow="fold"))
