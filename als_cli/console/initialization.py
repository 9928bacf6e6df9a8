"""The dialogue of `als init`: look, ask, write."""

import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Group
from rich.text import Text

from als_cli.config.modeline import SCHEMA_FILE
from als_cli.config.source import ColumnsConfig
from als_cli.console.logs import close_log_file
from als_cli.console.questions import ask, confirm
from als_cli.console.session import Session
from als_cli.console.start_up import collect_garbage
from als_cli.console.views.init import render_init
from als_cli.errors import ConfigError
from als_cli.stages.init import InitReport, Looked, check_separate, check_target, init, look, report_of

log = logging.getLogger(__name__)


def initialize(
    session: Session, paths: tuple[str, str | None, Path], columns: Sequence[str], *, yes: bool, force: bool
) -> None:
    """Write a config for event files and print the report.

    `paths` are the events, the catalogue and the config to write. `columns` are named by the user as ``ROLE=NAME``.
    At a terminal, the command shows the guesses, asks about those that are not sure, and asks whether to write the file,
    except with `yes`.

    Raises
    ------
    ConfigError
        The config exists. Or a guess is not sure, and there is no terminal to ask at.
    """
    events, catalog, target = paths
    stated = _stated(columns)
    check_target(target, force=force)
    terminal = session.terminal
    collect_garbage()
    with terminal.task(f"looking at {events}"):
        looked = look(events, catalog, stated.values())
        _check_log_file(session, looked)
        survey = looked.survey(stated)
    if yes:
        _warn_of_unsure(report_of(looked, survey))
    else:
        found = report_of(looked, survey)
        if not _can_ask():
            _refuse_unsure(found)
        else:
            terminal.stderr.print(render_init(found))
            answers = ask(found, list(survey.main.columns.facts), stated, terminal.stderr)
            survey = looked.survey(answers)
            if not confirm(f"Write {target}?", terminal.stderr):
                raise ConfigError("nothing was written", hint="name columns with --column ROLE=NAME")
    report = init(looked, survey, target, force=force)
    if session.options.json:
        terminal.write_json(report.model_dump_json(indent=2))
    else:
        terminal.show_report(Group(render_init(report), *_editor_line(target)))


def _editor_line(config: Path) -> list[Text]:
    """Return a line that says how to get the schema that the first line of `config` names, if it is missing."""
    schema = config.parent / SCHEMA_FILE
    if schema.exists():
        return []
    return [Text(f"for completion in an editor: als schema --output {schema}", overflow="fold")]


def _check_log_file(session: Session, looked: Looked) -> None:
    if session.options.log_file is None:
        return
    try:
        check_separate(looked, session.options.log_file, "--log-file")
    except ConfigError:
        close_log_file()  # otherwise the error would be appended to the events
        raise


def _stated(columns: Sequence[str]) -> dict[str, str]:
    """Return the columns that the command line names, by role. An empty name means that the role has no column."""
    stated = {}
    for column in columns:
        role, equals, name = column.partition("=")
        if not equals or role not in ColumnsConfig.model_fields:
            raise ConfigError(
                f"--column {column}: this is not ROLE=NAME",
                hint=f"a role is one of {', '.join(ColumnsConfig.model_fields)}",
            )
        stated[role] = name
    return stated


def _can_ask() -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def _unsure(report: InitReport) -> list[str]:
    """Return each unsure guess with its reasons."""
    return [
        f"{guess.key}: {guess.value}; {'; '.join(guess.reasons)}"
        for guess in report.guesses
        if guess.sureness == "unsure"
    ]


def _warn_of_unsure(report: InitReport) -> None:
    for guess in _unsure(report):
        log.warning("this guess is unsure: %s", guess)


def _refuse_unsure(report: InitReport) -> None:
    """Return when all guesses about columns are sure or likely.

    Raises
    ------
    ConfigError
        A guess is unsure. It has one line each.
    """
    unsure = _unsure(report)
    if unsure:
        counted = "1 guess is" if len(unsure) == 1 else f"{len(unsure)} guesses are"
        raise ConfigError(
            f"{report.source}: {counted} unsure, and there is no terminal to ask at",
            hint="add --yes to take the guesses as they are, or name columns with --column ROLE=NAME",
            problems=unsure,
        )
