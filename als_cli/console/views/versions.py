"""The report of `als versions`."""

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from als_cli.console.escapes import escaping
from als_cli.console.stacked import Stacked
from als_cli.stages.versions import VersionsReport


@escaping
def render_versions(report: VersionsReport) -> RenderableType:
    """Return a table of all versions, or a line if there are none."""
    if not report.versions:
        return Text("no versions")
    table = Table("", "version", "created (UTC)", "MB", "published", box=None, padding=(0, 2, 0, 0))
    table.columns[1].no_wrap = table.columns[2].no_wrap = True  # ids are copied from here
    table.columns[3].justify = "right"
    for version in report.versions:
        table.add_row(
            version.of,
            version.version,
            f"{version.created:%Y-%m-%d %H:%M}",
            f"{version.bytes / 1e6:,.1f}",
            "yes" if version.published else "",
        )
    return Stacked(table)
