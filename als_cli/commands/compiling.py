"""The command that compiles the kernels. It reads no config file."""

from typing import Annotated

import typer

from als_cli.console.application import Application
from als_cli.console.start_up import collect_garbage

app = Application()


@app.command("compile")
def compile_kernels(
    check: Annotated[
        bool, typer.Option("--check", help="Compile nothing. Exit with code 7 if a kernel is missing.")
    ] = False,
) -> None:
    """Compile the fast kernels for this machine, for example in an image. Other commands do this when needed."""
    from als_cli.stages.compile_kernels import compile_kernels as stage

    collect_garbage()
    stage(check=check)
