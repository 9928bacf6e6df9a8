"""The commands `als show`: one look at an artifact, a user or an item."""

from typing import Annotated

import typer

from als_cli.console.arguments import IdCommand
from als_cli.console.session import Session, command

app = typer.Typer(no_args_is_help=True, help="Look at a model, a user's list, or an item's neighbours.")


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
