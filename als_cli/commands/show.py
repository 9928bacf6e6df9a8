"""The commands `als show`: one look at an artifact, a user, an item or the config."""

from typing import Annotated

import typer

from als_cli.console.application import Application
from als_cli.console.arguments import IdCommand
from als_cli.console.documents import print_text
from als_cli.console.session import Session, command

app = Application(
    no_args_is_help=True,
    help="Look at the data, a model, a user's list, an item's neighbours, or the config.",
)


@command(app, writes=False, name="data")
def show_data(session: Session) -> None:
    """Show the dataset: events over time, long tails, and the rows that are left out."""
    session.look("show_data", session.context())


@command(app, writes=False, name="model")
def show_model(session: Session) -> None:
    """Show the model and how it was trained."""
    session.show("model")


@command(app, writes=False, name="user", cls=IdCommand)
def show_user(session: Session, user_id: Annotated[str, typer.Argument(help="The user's id.")]) -> None:
    """Show a user's history beside the recommendations."""
    session.show("user", user_id)


@command(app, writes=False, name="item", cls=IdCommand)
def show_item(session: Session, item_id: Annotated[str, typer.Argument(help="The item's id.")]) -> None:
    """Show an item's neighbours."""
    session.show("item", item_id)


@command(app, writes=False, name="config")
def show_config(session: Session) -> None:
    """Print the config with all defaults as YAML, and where each value comes from."""
    from als_cli.config.resolved import report_of, resolved_lines, resolved_text

    options = session.options
    if options.log_file is not None:
        session.context()  # checks that the log file is no input
    flags = {} if options.threads is None else {"threads": options.threads}
    lines = resolved_lines(options.config, options.set_ or (), flags=flags)
    print_text(
        report_of(lines).model_dump_json(indent=2) if options.json else resolved_text(lines, options.config)
    )
