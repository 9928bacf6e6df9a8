"""The classes of commands and groups, whose help shows no value for options that take none."""

from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.models import CommandFunctionType


class _FlagsWithoutValue:
    """Flags have no value in the help. Typer would show ``<bool>``."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters with ``--help``."""
        parameters: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for parameter in parameters:
            if getattr(parameter, "is_flag", False):
                parameter.metavar = ""
        return parameters


class PlainCommand(_FlagsWithoutValue, TyperCommand):
    """A command."""


class PlainGroup(_FlagsWithoutValue, TyperGroup):
    """A group of commands."""


class Application(typer.Typer):
    """An application, or a part of one."""

    def __init__(self, **settings: Any) -> None:
        """Return an application with the `settings` of Typer."""
        super().__init__(cls=PlainGroup, **settings)

    def command(
        self, name: str | None = None, **settings: Any
    ) -> Callable[[CommandFunctionType], CommandFunctionType]:
        """Return the decorator of a command, which is a :class:`PlainCommand` unless `cls` names another class."""
        return super().command(name, **({"cls": PlainCommand} | settings))
