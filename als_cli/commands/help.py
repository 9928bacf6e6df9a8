"""The commands that explain the config, and the completion of shells. They read no config file."""

from pathlib import Path
from typing import Annotated

import typer

from als_cli.console.application import Application
from als_cli.console.arguments import parse_shell
from als_cli.console.completion.scripts import script_of
from als_cli.console.documents import print_text

app = Application()


@app.command()
def schema(
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write to this file instead of stdout."),
    ] = None,
) -> None:
    """Print the JSON Schema of the config file, which editors use to check and complete it."""
    from als_cli.config.shipped_schema import schema_text

    if output is None or str(output) == "-":
        print_text(schema_text())
        return
    from als_cli.storage.schema_file import write_schema

    write_schema(output, schema_text())


@app.command()
def explain(
    key: Annotated[str, typer.Argument(help="A key or section, for example train.factors or recommend.")],
    json: Annotated[
        bool, typer.Option("--json", help="Print the help, or the error, as JSON on stdout.")
    ] = False,
) -> None:
    """Explain a key of the config: type, default, allowed values, commands that use it, an example."""
    from als_cli.config.key_help import explain_key
    from als_cli.console.views.explain import explanation_text

    report = explain_key(key)
    print_text(report.model_dump_json(indent=2) if json else explanation_text(report))


@app.command()
def completion(
    shell: Annotated[str, typer.Argument(metavar="SHELL", parser=parse_shell, help="bash, zsh or fish.")],
) -> None:
    """Print a script for bash, zsh or fish that completes commands, options, config keys and ids."""
    print_text(script_of(shell))
