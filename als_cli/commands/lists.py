"""The commands for other lists, and for the versions of lists and artifacts."""

from pathlib import Path
from typing import Annotated

import typer

from als_cli.console.application import Application
from als_cli.console.arguments import parse_count
from als_cli.console.flags import AsOfFlag, LengthFlag, MinimumUsersFlag, OutputFlag, SeparateOutputFlag
from als_cli.console.session import Session, command

app = Application()
similar_app = Application(
    no_args_is_help=True, help="Write the nearest items or users of all items or users."
)
app.add_typer(similar_app, name="similar")


@command(app)
def embeddings(
    session: Session,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="PATH", help="The folder of the vectors.")
    ] = None,
    as_of: AsOfFlag = None,
) -> None:
    """Write the vectors of users and items, for vector indexes."""
    session.run_stage("embeddings", session.context(events__as_of=as_of, embeddings__path=output))


@command(similar_app, name="items")
def similar_items(
    session: Session,
    output: SeparateOutputFlag = None,
    top_n: LengthFlag = None,
    minimum_users: MinimumUsersFlag = None,
    as_of: AsOfFlag = None,
) -> None:
    """Write the nearest items of every item."""
    context = session.separate_context(output, top_n, events__as_of=as_of)
    session.run_stage("similar", context, of="items", top_n=top_n, minimum_support=minimum_users)


@command(similar_app, name="users")
def similar_users(
    session: Session,
    output: SeparateOutputFlag = None,
    top_n: LengthFlag = None,
    minimum_items: Annotated[
        int | None,
        typer.Option(
            "--minimum-items", metavar="M", parser=parse_count, help="Leave out users with fewer items."
        ),
    ] = None,
    as_of: AsOfFlag = None,
) -> None:
    """Write the nearest users of every user."""
    context = session.separate_context(output, top_n, events__as_of=as_of)
    session.run_stage("similar", context, of="users", top_n=top_n, minimum_support=minimum_items)


@command(app)
def audience(
    session: Session,
    items: Annotated[
        Path, typer.Option("--items", metavar="FILE", help="The items that users are sought for.")
    ],
    output: SeparateOutputFlag = None,
    top_n: LengthFlag = None,
    minimum_users: MinimumUsersFlag = None,
    as_of: AsOfFlag = None,
) -> None:
    """Write the best users of each item of a file."""
    context = session.separate_context(
        output, top_n, events__as_of=as_of, recommend__items__allow__file=str(items)
    )
    session.run_stage("audience", context, top_n=top_n, minimum_support=minimum_users)


@command(app, writes=False)
def versions(session: Session, output: OutputFlag = None) -> None:
    """List the versions of the artifacts and the lists that are on disk."""
    session.look("versions", session.context(recommend__output__path=output))


@command(app, writes=False)
def compare(
    session: Session,
    old: Annotated[
        str | None,
        typer.Argument(help="A path or a version of lists; default: the version before the published one."),
    ] = None,
    new: Annotated[
        str | None, typer.Argument(help="A path or a version of lists; default: the published lists.")
    ] = None,
    changes: Annotated[
        str | None,
        typer.Option("--changes", metavar="PATH", help="Also write the changed users: upserts and deletes."),
    ] = None,
    gate: Annotated[
        bool, typer.Option("--gate", help="Exit with code 5 if recommend.churn is not met.")
    ] = False,
    output: OutputFlag = None,
) -> None:
    """Compare two publications of lists."""
    context = session.context(recommend__output__path=output)
    session.look("compare", context, old, new, changes=changes, gate=gate)


@command(app)
def rollback(
    session: Session,
    version: Annotated[
        str | None, typer.Argument(help="The id of a version; default: the one before the published one.")
    ] = None,
    of: Annotated[
        str,
        typer.Option(
            "--of", metavar="NAME", help="lists, embeddings, model, dataset, choice, evaluation or backtest."
        ),
    ] = "lists",
    output: OutputFlag = None,
) -> None:
    """Publish an earlier version of the lists or of an artifact again."""
    context = session.context(recommend__output__path=output)
    session.run_stage("rollback", context, version=version, of=of)
