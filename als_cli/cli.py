"""The subcommands: each parses its arguments, calls one stage and prints its report."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from als_cli import __version__
from als_cli.console.arguments import IdCommand, parse_count
from als_cli.console.command_line import run_command_line
from als_cli.console.flags import (
    AcceptFlag,
    AsOfFlag,
    LengthFlag,
    MinimumUsersFlag,
    OutputFlag,
    SeparateOutputFlag,
    UsersFlag,
)
from als_cli.console.session import Session, command

app = typer.Typer(
    name="als",
    help="Batch recommendations from interaction events: implicit-feedback ALS, driven by one YAML file.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
show_app = typer.Typer(no_args_is_help=True, help="Look at a model, a user's list, or an item's neighbours.")
app.add_typer(show_app, name="show")
similar_app = typer.Typer(
    no_args_is_help=True, help="Write the nearest items or users of all items or users."
)
app.add_typer(similar_app, name="similar")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"als-cli {__version__}")
        raise typer.Exit


@app.callback()
def _main_options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    del version


@command(app)
def ingest(session: Session, as_of: AsOfFlag = None) -> None:
    """Read events, check them, and write the dataset."""
    session.run_stage("ingest", session.context(events__as_of=as_of))


@command(app)
def train(session: Session, as_of: AsOfFlag = None) -> None:
    """Train the model on the dataset."""
    session.run_stage("train", session.context(events__as_of=as_of))


@command(app)
def evaluate(
    session: Session,
    published: Annotated[
        str | None,
        typer.Option(
            "--published", metavar="PATH", help="Evaluate these lists: a path or a version. Needs --events."
        ),
    ] = None,
    events: Annotated[
        str | None,
        typer.Option(
            "--events", metavar="NEW", help="The events after the lists, in the format of section events."
        ),
    ] = None,
    as_of: AsOfFlag = None,
) -> None:
    """Evaluate the model and the baselines on held-out events, or published lists on later events."""
    context = session.context(events__as_of=as_of)
    if published is None and events is None:
        session.run_stage("evaluate", context)
    else:
        session.run_stage("hindsight", context, published=published, events=events)


@command(app)
def backtest(session: Session, as_of: AsOfFlag = None) -> None:
    """Evaluate the model and the baselines at several cut-offs in the past."""
    session.run_stage("backtest", session.context(events__as_of=as_of))


@command(app)
def tune(
    session: Session,
    trials: Annotated[
        int | None, typer.Option("--trials", metavar="N", parser=parse_count, help="Trials in all.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to write the best config.")
    ] = None,
    no_ingest: Annotated[
        bool, typer.Option("--no-ingest", help="Use the dataset as it is, even if the events have changed.")
    ] = False,
    as_of: AsOfFlag = None,
) -> None:
    """Search for better hyperparameters and write the best config. Ingests first if needed."""
    context = session.context(
        events__as_of=as_of, tune__trials=trials, tune__output=str(output) if output else None
    )
    from als_cli.storage.output_checks import check_tune_output

    check_tune_output(context.config, context.config_file)
    session.run_stage("tune", context, ingest=not no_ingest)


@command(app)
def recommend(
    session: Session,
    output: OutputFlag = None,
    users: UsersFlag = None,
    top_n: Annotated[
        int | None, typer.Option("--top-n", "-n", metavar="N", parser=parse_count, help="Items per list.")
    ] = None,
    accept_churn: AcceptFlag = False,
    as_of: AsOfFlag = None,
) -> None:
    """Write the top-N lists."""
    context = session.publishing_context(
        events__as_of=as_of,
        recommend__output__path=output,
        recommend__users={"file": str(users)} if users else None,
        recommend__top_n=top_n,
    )
    session.run_stage("recommend", replace(context, accept_churn=accept_churn))


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


@command(app)
def run(
    session: Session,
    force: Annotated[
        bool, typer.Option("--force", help="Run every stage, even those that are up to date.")
    ] = False,
    accept_churn: AcceptFlag = False,
    as_of: AsOfFlag = None,
) -> None:
    """Ingest, evaluate, train and recommend: only stages that are out of date."""
    context = session.publishing_context(events__as_of=as_of)
    session.run_stage("run", replace(context, accept_churn=accept_churn), force=force)


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


@command(show_app, writes=False, name="model")
def show_model(session: Session) -> None:
    """Show the model and how it was trained."""
    session.show("model")


@command(show_app, writes=False, name="user", cls=IdCommand)
def show_user(session: Session, user_id: Annotated[str, typer.Argument(help="The user's id.")]) -> None:
    """Show a user's history beside the recommendations."""
    session.show("user", user_id)


@command(show_app, writes=False, name="item", cls=IdCommand)
def show_item(session: Session, item_id: Annotated[str, typer.Argument(help="The item's id.")]) -> None:
    """Show an item's neighbours."""
    session.show("item", item_id)


def main() -> None:
    """Run the command line."""
    run_command_line(app, sys.argv[1:])
