"""Candidates for the word at the cursor: subcommands, options and values."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from typer.core import TyperArgument, TyperGroup, TyperOption

_NEGATIVE = re.compile(r"-[0-9]+")


@dataclass(frozen=True)
class Candidate:
    """A completed word."""

    value: str
    help: str = ""


_HELP = Candidate("--help", "Show this message and exit.")


@dataclass
class TypedWords:
    """The words before the cursor, as far as they are complete."""

    command: Any
    """The command or group of Typer that the words lead to; None if a word is unknown."""
    values: dict[str, list[str]] = field(default_factory=dict)
    """The values of options and arguments, by the name of the parameter."""
    option: Any = None
    """The option that waits for its value."""
    only_arguments: bool = False
    """Whether ``--`` was typed."""

    def value(self, name: str, default: str = "") -> str:
        """Return the last value of a parameter."""
        return (self.values.get(name) or [default])[-1]

    @property
    def argument(self) -> Any:
        """The next argument without a value; None if there is none."""
        parameters = getattr(self.command, "params", ())
        arguments = (one for one in parameters if isinstance(one, TyperArgument))
        return next((one for one in arguments if one.name not in self.values), None)

    def option_named(self, name: str) -> Any:
        """Return the option of the command with this name, None if there is none."""
        return next((one for one in self.options() if name in (*one.opts, *one.secondary_opts)), None)

    def options(self) -> list[Any]:
        """Return the options of the command."""
        parameters = getattr(self.command, "params", ())
        return [one for one in parameters if isinstance(one, TyperOption) and not one.hidden]


def read_words(command: Any, words: Sequence[str]) -> TypedWords:
    """Return the meaning of `words`, which follow the name of `command`."""
    typed = TypedWords(command)
    for word in words:
        if typed.option is not None:
            typed.values.setdefault(typed.option.name, []).append(word)
            typed.option = None
        elif word == "--":
            typed.only_arguments = True
        elif _is_option(typed, word):
            _read_option(typed, word)
        elif isinstance(typed.command, TyperGroup):
            typed.command = typed.command.commands.get(word)
        elif typed.argument is not None:
            typed.values.setdefault(typed.argument.name, []).append(word)
    return typed


def candidates_for(command: Any, words: Sequence[str], start: str) -> Iterator[Candidate]:
    """Yield the candidates for a word that begins with `start` and follows `words`."""
    typed = read_words(command, words)
    if typed.option is not None:
        yield from _values(typed, typed.option, start)
    elif _is_option(typed, start) and start.startswith("--") and "=" in start:
        name, _, text = start.partition("=")
        option = typed.option_named(name)
        if option is not None:
            yield from (Candidate(f"{name}={one.value}", one.help) for one in _values(typed, option, text))
    elif start.startswith("-") and not typed.only_arguments:
        yield from _options(typed, start)
    elif isinstance(typed.command, TyperGroup):
        yield from _subcommands(typed.command, start)
    elif typed.argument is not None:
        yield from _values(typed, typed.argument, start)
    elif not start and not typed.only_arguments:
        yield from _options(typed, start)


def _is_option(typed: TypedWords, word: str) -> bool:
    return (
        word.startswith("-") and len(word) > 1 and not typed.only_arguments and not _NEGATIVE.fullmatch(word)
    )


def _read_option(typed: TypedWords, word: str) -> None:
    name, equals, text = word.partition("=") if word.startswith("--") else (word[:2], word[2:3], word[2:])
    option = typed.option_named(name)
    if option is None or option.is_flag:
        typed.values.setdefault(option.name if option is not None else name, [])
    elif equals:
        typed.values.setdefault(option.name, []).append(text)
    else:
        typed.option = option


def _subcommands(group: Any, start: str) -> Iterator[Candidate]:
    for name, command in group.commands.items():
        if name.startswith(start) and not command.hidden:
            yield Candidate(name, (command.help or "").partition("\n")[0])


def _options(typed: TypedWords, start: str) -> Iterator[Candidate]:
    for option in typed.options():
        if option.name in typed.values and not option.multiple:
            continue
        for name in option.opts:
            if name.startswith(start) and (name.startswith("--") or start == name):
                yield Candidate(name, option.help or "")
    if typed.command is not None and _HELP.value.startswith(start):
        yield _HELP


def _values(typed: TypedWords, parameter: Any, start: str) -> Iterator[Candidate]:
    from als_cli.console.completion.values import values_of

    yield from (one for one in values_of(typed, parameter)(start) if one.value.startswith(start))
