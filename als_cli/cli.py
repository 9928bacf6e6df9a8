"""The command line: all subcommands in one application."""

import sys
from typing import Annotated

import typer

from als_cli import __version__
from als_cli.commands import lists, setup, show, stages
from als_cli.console.command_line import run_command_line

app = typer.Typer(
    name="als",
    help="Batch recommendations from interaction events: implicit-feedback ALS, driven by one YAML file.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(setup.app)
app.add_typer(stages.app)
app.add_typer(show.app, name="show")
app.add_typer(lists.app)


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


def main() -> None:
    """Run the command line."""
    run_command_line(app, sys.argv[1:])
