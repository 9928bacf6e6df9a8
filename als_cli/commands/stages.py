"""The commands that run stages: from the events to the model and the lists."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from als_cli.console.application import Application
from als_cli.console.arguments import parse_count
from als_cli.console.flags import AcceptFlag, AsOfFlag, OutputFlag, ReportFlag, UsersFlag
from als_cli.console.session import Session, command

app = Application()


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
            "--published",
            metavar="PATH",
            help="Evaluate these lists: a path, a view or a version. Needs --events.",
        ),
    ] = None,
    events: Annotated[
        str | None,
        typer.Option(
            "--events", metavar="NEW", help="The events after the lists, in the format of section events."
        ),
    ] = None,
    report: ReportFlag = None,
    as_of: AsOfFlag = None,
) -> None:
    """Evaluate the model and the baselines on held-out events, or published lists on later events."""
    context = session.context(events__as_of=as_of, report__path=report)
    if published is None and events is None:
        session.run_stage("evaluate", context)
    else:
        session.run_stage("hindsight", context, published=published, events=events)


@command(app)
def backtest(session: Session, report: ReportFlag = None, as_of: AsOfFlag = None) -> None:
    """Evaluate the model and the baselines at several cut-offs in the past."""
    session.run_stage("backtest", session.context(events__as_of=as_of, report__path=report))


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
    report: ReportFlag = None,
    as_of: AsOfFlag = None,
) -> None:
    """Search for better hyperparameters and write the best config. Ingests first if needed."""
    context = session.context(
        events__as_of=as_of,
        tune__trials=trials,
        tune__output=str(output) if output else None,
        report__path=report,
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
def run(
    session: Session,
    force: Annotated[
        bool, typer.Option("--force", help="Run every stage, even those that are up to date.")
    ] = False,
    accept_churn: AcceptFlag = False,
    report: ReportFlag = None,
    as_of: AsOfFlag = None,
) -> None:
    """Ingest, evaluate, train and recommend: only stages that are out of date."""
    context = session.publishing_context(events__as_of=as_of, report__path=report)
    session.run_stage("run", replace(context, accept_churn=accept_churn), force=force)
