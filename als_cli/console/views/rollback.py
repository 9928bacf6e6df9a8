"""The report of `als rollback`."""

from rich.console import RenderableType
from rich.text import Text

from als_cli.console.escapes import escaping
from als_cli.stages.rollback import RollbackReport


@escaping
def render_rollback(report: RollbackReport) -> RenderableType:
    """Return a line about the version that is published now."""
    if report.left == report.version:
        return Text(f"{report.of}: {report.version} is published already")
    return Text(
        f"{report.of}: published {report.version} of {report.created:%Y-%m-%d %H:%M} UTC, instead of {report.left}"
    )
