"""The entry point. Mistakes on the command line are reported like all other errors."""

import difflib
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NoReturn

import typer
from typer.core import TyperArgument

from als_cli.console.failures import exit_codes
from als_cli.console.logs import configure_logging
from als_cli.console.system import check_system
from als_cli.errors import ConfigError, ExitCode, streaming

# The base class of all errors on the command line, which Typer does not export.
_UsageError: Any = typer.BadParameter.__mro__[1]


def run_command_line(app: typer.Typer, arguments: Sequence[str]) -> NoReturn:
    """Run the command in `arguments`. The process always exits with a documented exit code."""
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    if "--log-format=json" in options or ("--log-format", "json") in pairwise(options):
        configure_logging(verbose=False, quiet=False, log_format="json", log_file=None)
    with exit_codes(as_json="--json" in options), streaming("stdout"):
        check_system()
        try:
            code = app(args=list(arguments), standalone_mode=False)
        except _UsageError as wrong:
            if not wrong.format_message():  # no arguments: Typer has printed the help
                raise SystemExit(ExitCode.USAGE) from None
            raise usage_error(wrong) from None
    raise SystemExit(code if isinstance(code, int) else ExitCode.DONE)


def usage_error(wrong: Any) -> ConfigError:
    """Return Typer's error `wrong` as a ConfigError, in the words of all other errors."""
    context = wrong.ctx
    path = context.command_path if context is not None else "als COMMAND"
    listed = f"`{path} --help` lists what it takes"
    name = getattr(wrong, "option_name", None)
    if name is not None and "requires" not in wrong.message and "not take" not in wrong.message:
        return ConfigError(f"unknown option {name}", hint=_option_hint(wrong, listed))
    if name is not None:
        needs = "needs a value" if "requires" in wrong.message else "takes no value"
        return ConfigError(f"option {name} {needs}", hint=listed)
    parameter = getattr(wrong, "param", None)
    if parameter is not None:
        return _parameter_error(wrong, parameter, listed)
    return _word_error(wrong, listed)


def _option_hint(wrong: Any, listed: str) -> str:
    if wrong.possibilities:
        return f"did you mean {' or '.join(sorted(wrong.possibilities))}?"
    command = wrong.ctx.command if wrong.ctx is not None else None
    if any(isinstance(parameter, TyperArgument) for parameter in getattr(command, "params", ())):
        return f"{listed}; write an id that starts with a hyphen last, after `--`"
    return listed


def _parameter_error(wrong: Any, parameter: Any, listed: str) -> ConfigError:
    is_option = parameter.param_type_name == "option"
    if type(wrong).__name__ == "MissingParameter":
        metavar = parameter.metavar or str(parameter.name).upper()
        if is_option:
            return ConfigError(f"{parameter.opts[0]} is missing", hint=f"add {parameter.opts[-1]} {metavar}")
        return ConfigError(f"{metavar} is missing", hint=listed)
    return ConfigError(f"{parameter.opts[0] if is_option else parameter.name}: {wrong.message}", hint=listed)


def _word_error(wrong: Any, listed: str) -> ConfigError:
    """Return the error for an unknown command or for too many arguments."""
    unknown = re.match(r"No such command '(.*?)'", wrong.message)
    if unknown:
        known = wrong.ctx.command.list_commands(wrong.ctx)
        near = difflib.get_close_matches(unknown[1], known, n=1)
        return ConfigError(
            f"unknown command {unknown[1]}", hint=f"did you mean {near[0]}?" if near else listed
        )
    extra = re.search(r"extra argument\S* \((.*)\)", wrong.message)
    if extra:
        return ConfigError(f"unexpected on the command line: {extra[1]}", hint=listed)
    said = wrong.format_message().rstrip(".")
    return ConfigError(said[:1].lower() + said[1:], hint=listed)
