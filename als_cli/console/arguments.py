"""Command-line values: counts, choices, and ids that start with a hyphen."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import typer
from typer.core import TyperArgument

from als_cli.console.application import PlainCommand

_COUNT = re.compile(r"[0-9]{1,18}")
_ZERO_DURATION = re.compile(r"\s*0+(\.0+)?\s*[smhdw]\s*")
_NEGATIVE_ID = re.compile(r"-[0-9]+")


def parse_count(text: str) -> int:
    """Return the whole number in `text`, at least 1, for example the value of ``--threads``."""
    if not _COUNT.fullmatch(text) or int(text) == 0:
        raise typer.BadParameter(f"expected a whole number of at least 1, got {text!r}")
    return int(text)


def parse_wait(text: str) -> timedelta:
    """Return the time span in `text`, which is a duration as in the config or zero: the value of ``--wait``."""
    from als_cli.config.fields import parse_duration

    if _ZERO_DURATION.fullmatch(text):
        return timedelta(0)
    try:
        return parse_duration(text)
    except ValueError:
        raise typer.BadParameter(f"expected a duration such as 30s, 10m or 2h, got {text!r}") from None


def parse_log_format(text: str) -> str:
    """Return `text`, which is ``text`` or ``json``."""
    if text not in ("text", "json"):
        raise typer.BadParameter(f"expected text or json, got {text!r}")
    return text


def parse_switch(text: str) -> str:
    """Return `text`, which is ``on`` or ``off``."""
    if text not in ("on", "off"):
        raise typer.BadParameter(f"expected on or off, got {text!r}")
    return text


def parse_shell(text: str) -> str:
    """Return `text`, the name of a shell that als can complete in."""
    from als_cli.console.completion.scripts import SHELLS

    if text not in SHELLS:
        raise typer.BadParameter(f"expected {', '.join(SHELLS[:-1])} or {SHELLS[-1]}, got {text!r}")
    return text


class IdCommand(PlainCommand):
    """A command whose argument is an id. Negative integers are ids, not options."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Return the arguments that are left after parsing."""
        valued = {
            name
            for option in self.params
            if not isinstance(option, TyperArgument) and not getattr(option, "is_flag", False)
            for name in option.opts
        }
        return super().parse_args(ctx, negative_ids_last(args, valued))


def negative_ids_last(arguments: Sequence[str], valued_options: set[str]) -> list[str]:
    """Return `arguments` with negative integers after ``--``, except the values of `valued_options`."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    options: list[str] = []
    ids: list[str] = []
    for before, argument in zip(["", *arguments[:end]], arguments[:end], strict=False):
        is_id = _NEGATIVE_ID.fullmatch(argument) and before not in valued_options
        (ids if is_id else options).append(argument)
    return [*options, "--", *ids, *arguments[end + 1 :]] if ids else list(arguments)
