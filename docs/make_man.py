# ruff: noqa: INP001 - a script, not a package
"""Write the man page docs/als.1 from the command line, and from the tables of the README.

    python docs/make_man.py [FOLDER]

tests/test_man_page.py fails when the page is old.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.core import TyperArgument, TyperOption
from typer.main import get_command

from als_cli import __version__
from als_cli.cli import app

ROOT = Path(__file__).parents[1]
PAGE = "docs/als.1"

DESCRIPTION = """\
als reads a log of interactions (views, carts, purchases, ratings), trains implicit-feedback ALS (matrix factorization),
and writes a top-N list of items for every user: to files, to a Delta table, or to a database. One YAML file describes
the whole job."""

CONFIG = """\
Only `events.source` is required. `als explain KEY` explains a key, `als show config -c FILE` prints all values with
their origins, and `als schema` prints the JSON Schema for editors. An option beats `--set`, which beats the
environment, which beats the file, which beats the default."""

ENVIRONMENT = (
    (
        "ALS_KEY",
        "A key of the config in upper case, with two underscores for each dot: `ALS_TRAIN__FACTORS=128`.",
    ),
    ("NAME", "Any variable that a URI in the config refers to as `${NAME}`, for example a password."),
    ("COLUMNS", "The width of tables, if stdout or stderr is not a terminal."),
    ("NO_COLOR", "If it is set, tables have no colours."),
    ("TMPDIR", "The folder for temporary files. Default: /tmp."),
)

FILES = (
    ("WORKSPACE/dataset/", "The dataset that `als ingest` publishes."),
    ("WORKSPACE/models/", "The model that `als train` publishes."),
    ("WORKSPACE/choice/", "The values that `auto` selected."),
    ("WORKSPACE/evaluations/, WORKSPACE/backtests/, WORKSPACE/hindsight/", "Evaluations."),
    ("WORKSPACE/tune/", "The trials of `als tune`, and the best config."),
    (".NAME.versions/", "Beside published lists or artifacts: their last versions."),
    ("als-config.schema.json", "Beside a config: its JSON Schema, which `als schema --output` writes."),
)
LOADING = (
    ("bash", "source <(als completion bash)"),
    ("zsh", "source <(als completion zsh)"),
    ("fish", "als completion fish | source"),
)


def roff(text: str) -> str:
    """Return Markdown `text` as roff: code is bold, links are their text, special characters are escaped."""
    text = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", text.replace("\\|", "|"))
    escaped = (
        text.replace("\\", r"\e")
        .replace("-", r"\-")
        .replace("'", r"\(aq")
        .replace("^", r"\(ha")
        .replace("~", r"\(ti")
    )
    escaped = "".join(sign if sign.isascii() else f"\\[u{ord(sign):04X}]" for sign in escaped)
    escaped = re.sub(r"`([^`]+)`", r"\\fB\1\\fR", escaped)
    return "\n".join(rf"\&{line}" if line.startswith(".") else line for line in escaped.splitlines())


def commands_of(group: Any, path: str = "als") -> Iterator[tuple[str, Any]]:
    """Yield the name and the command of each command below `group` that is no group."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands_of(command, f"{path} {name}")
        elif not command.hidden:
            yield f"{path} {name}", command


def parameters_of(command: Any, kind: type) -> list[Any]:
    """Return the parameters of `command` that are of `kind`, without hidden ones."""
    return [one for one in command.params if isinstance(one, kind) and not one.hidden]


def option_lines(option: Any) -> Iterator[str]:
    """Yield an option with its help."""
    names = ", ".join(rf"\fB{roff(name)}\fR" for name in sorted(option.opts, key=len))
    value = "" if option.is_flag else rf" \fI{roff(option.metavar or 'VALUE')}\fR"
    yield from (".TP", f"{names}{value}", roff(f"{option.help}{' Required.' if option.required else ''}"))


def command_lines(name: str, command: Any, common: set[str]) -> Iterator[str]:
    """Yield a command with its arguments and with the options that are not `common`."""
    arguments = parameters_of(command, TyperArgument)
    metavars = [(one.metavar or one.name or "").upper() for one in arguments]
    shown = [
        rf"\fI{roff(metavar)}\fR" if one.required else rf"[\fI{roff(metavar)}\fR]"
        for one, metavar in zip(arguments, metavars, strict=True)
    ]
    reads_config = any(option.name == "config" for option in parameters_of(command, TyperOption))
    usage = [rf"\fB{name}\fR", *([r"\fB\-c\fR \fIFILE\fR"] if reads_config else []), *shown]
    yield from (f".SS {name.removeprefix('als ')}", " ".join(usage), ".PP", roff(command.help or ""))
    for argument, metavar in zip(arguments, metavars, strict=True):
        yield from (".TP", rf"\fI{roff(metavar)}\fR", roff(argument.help or ""))
    for option in parameters_of(command, TyperOption):
        if not (reads_config and option.name in common):
            yield from option_lines(option)


def table_rows(heading: str) -> Iterator[list[str]]:
    """Yield the cells of the first table of the README below `heading`."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2]
    table = re.search(r"^\|[^\n]*\n\|[-|]+\n((?:\|[^\n]*\n)+)", section, re.MULTILINE)
    for row in table[1].splitlines() if table is not None else ():
        yield [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]]


def definitions(pairs: Iterator[tuple[str, str]]) -> Iterator[str]:
    """Yield a list of terms and their meanings."""
    for term, meaning in pairs:
        yield from (".TP", rf"\fB{roff(term)}\fR", roff(meaning))


def page_lines() -> Iterator[str]:
    """Yield the lines of the man page."""
    root = get_command(app)
    commands = list(commands_of(root))
    names = [{option.name for option in parameters_of(command, TyperOption)} for _, command in commands]
    common = set.intersection(*(one for one in names if "config" in one))
    reads_config = next(command for (_, command), own in zip(commands, names, strict=True) if "config" in own)
    shared = [one for one in parameters_of(reads_config, TyperOption) if one.name in common]
    yield from (
        r".\" Made by docs/make_man.py from the command line.",
        f'.TH ALS 1 "" "als-cli {__version__}"',
    )
    yield from (".SH NAME", r"als \- batch recommendations from interaction events")
    yield from (".SH SYNOPSIS", r"\fBals\fR \fICOMMAND\fR [\fIOPTION\fR]... [\fIARGUMENT\fR]...")
    yield from (".br", r"\fBals \-\-help\fR | \fB\-\-version\fR")
    yield from (".SH DESCRIPTION", roff(DESCRIPTION), ".SH COMMANDS")
    for name, command in commands:
        yield from command_lines(name, command, common)
    yield from (".SH OPTIONS", "Commands that read a config have these options:")
    for option in shared:
        yield from option_lines(option)
    yield from (".PP", "Every command has these options:")
    yield from (".TP", r"\fB\-h\fR, \fB\-\-help\fR", "Show the options of the command.")
    yield from (".SH CONFIG", roff(CONFIG), ".SH EXIT STATUS")
    yield from definitions((code, meaning) for code, meaning in table_rows("Exit codes"))
    yield from (".SH ENVIRONMENT", *definitions(iter(ENVIRONMENT)), ".SH FILES", *definitions(iter(FILES)))
    yield from (
        ".SH EXAMPLES",
        *definitions((example.strip("`"), task) for example, task in table_rows("Commands")),
    )
    yield ".SH SHELL COMPLETION"
    yield from definitions((f"In {shell}", f"`{line}`") for shell, line in LOADING)


def main(folder: Path) -> None:
    """Write the page below `folder`."""
    path = folder / PAGE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(page_lines()) + "\n", encoding="ascii")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT)
