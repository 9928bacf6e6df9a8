"""The command `als report`."""

from typing import Annotated

import typer

from als_cli.console.application import Application
from als_cli.console.session import Session, command

app = Application()


@command(app)
def report(
    session: Session,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Where to write the page. Default: report.path, or the workspace.",
        ),
    ] = None,
) -> None:
    """Write an HTML page about data, training, quality and lists."""
    session.run_stage("report", session.context(report__path=output))
