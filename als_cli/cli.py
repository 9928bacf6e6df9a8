"""The command line: all subcommands in one application."""

import os
import sys
from typing import Annotated

import typer

from als_cli.commands import compiling, lists, report, setup, show, stages
from als_cli.commands import help as help_commands
from als_cli.console.application import Application
from als_cli.console.command_line import run_command_line
from als_cli.console.completion.answer import VARIABLE, answer
from als_cli.console.versions import version_lines

app = Application(
    name="als",
    help="Batch recommendations from interaction events: implicit-feedback ALS, driven by one YAML file.",
    no_args_is_help=True,
    add_completion=False,  # `als completion` prints other scripts: docs/decisions/0022
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(setup.app)
app.add_typer(setup.app)
app.add_typer(stages.app)
app.add_typer(show.app, name="show")
app.add_typer(lists.app)
app.add_typer(compiling.app)
app.add_typer(help_commands.app)
app.add_typer(report.app)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo("\n".join(version_lines()))
        raise typer.Exit


@app.callback()
def _main_options(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Print the versions of als-cli and its libraries.",
        ),
    ] = False,
) -> None:
    del version


def main() -> None:
    """Run the command line, or answer a shell that asks for completion."""
    shell = os.environ.pop(VARIABLE, "")
    if shell:
        answer(typer.main.get_command(app), shell, sys.argv[1:])
        return
    run_command_line(app, sys.argv[1:])
