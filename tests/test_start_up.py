"""`--help` and `--version` import no library that only a running stage needs."""

import pytest

from tests.imports import imports_of

HEAVY = {"implicit", "numba", "numpy", "optuna", "polars", "pyarrow", "scipy", "yaml"}


def libraries_of(*arguments):
    imported = imports_of(*arguments)
    assert "als_cli.cli" in imported
    assert [name for name in imported if name.startswith(("als_cli.config", "als_cli.stages"))] == []
    return {name.split(".")[0] for name in imported}


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_heavy_libraries_are_not_imported(option):
    assert libraries_of(option) & (HEAVY | {"pydantic"}) == set()


@pytest.mark.parametrize("command", [["train"], ["show"], ["show", "user"]], ids=" ".join)
def test_the_help_of_a_command_imports_no_heavy_library(command):
    assert libraries_of(*command, "--help") & HEAVY == set()  # Typer itself imports pydantic here
