"""The commands that prepare a job: a config from the events, and a check of a config."""

from pathlib import Path
from typing import Annotated

import typer

from als_cli.console.application import Application
from als_cli.console.session import Session, command

app = Application()


@command(app, has_config=False)
def init(  # noqa: PLR0913, PLR0917 - each parameter is an option
    session: Session,
    events: Annotated[str, typer.Argument(help="A file, a folder or a glob with events.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The config to write.")
    ] = Path("als.yaml"),
    catalog: Annotated[
        str | None, typer.Option("--catalog", metavar="FILE", help="A table with one row per item.")
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            "--column",
            metavar="ROLE=NAME",
            help="Name the column of user, item, timestamp, type, value or title. Repeatable.",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing and take all guesses.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the config if it exists.")] = False,
) -> None:
    """Look at events and write a commented config for them."""
    from als_cli.console.initialization import initialize

    initialize(session, (events, catalog, output), column or (), yes=yes, force=force)


@command(app, writes=False)
def check(session: Session) -> None:
    """Check the config and the first rows of the events, without any other work."""
    from als_cli.console.verdict import end_with

    report = session.look("check", session.context())
    end_with(report, as_json=session.options.json)
