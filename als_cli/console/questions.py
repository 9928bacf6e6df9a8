"""The questions of `als init` at a terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.prompt import Confirm, Prompt
from rich.text import Text

from als_cli.errors import one_line
from als_cli.stages.init import GuessReport, InitReport

_ROLES = {
    "user": "Which column has the users?",
    "item": "Which column has the items?",
    "timestamp": "Which column has the times? (- for none)",
    "type": "Which column has the type of event? (- for none)",
    "value": "Which column has the value, for example a quantity? (- for none)",
}
_REQUIRED = ("user", "item")
_NONE = "-"
_COLUMN = "events.columns."
_FORMAT = "events.timestamp_format"
_SHOWN = 30


def ask(report: InitReport, names: Sequence[str], stated: dict[str, str], console: Console) -> dict[str, str]:
    """Return `stated` with the answers to the questions about guesses that are not sure.

    `names` are the columns of the events. An answer is the name of a column by role, empty for no column, or the
    `timestamp_format`.
    """
    answers = dict(stated)
    guesses = {guess.key: guess for guess in report.guesses}
    for role, question in _ROLES.items():
        guess = guesses.get(_COLUMN + role)
        is_open = guess is None and role in _REQUIRED
        if role not in stated and (is_open or (guess is not None and guess.sureness != "sure")):
            answers[role] = _column(question, guess, names, console, is_required=role in _REQUIRED)
    form, time = guesses.get(_FORMAT), guesses.get(_COLUMN + "timestamp")
    is_same = time is not None and answers.get("timestamp", time.value) == time.value
    if form is not None and form.alternatives and is_same:
        options = [str(form.value), *map(str, form.alternatives)]
        answers["timestamp_format"] = Prompt.ask(
            "How are the times written?", choices=options, default=options[0], console=console
        )
    return answers


def confirm(question: str, console: Console) -> bool:
    """Return whether the user agrees."""
    return Confirm.ask(Text(one_line(question)), default=True, console=console)


def _column(
    question: str, guess: GuessReport | None, names: Sequence[str], console: Console, *, is_required: bool
) -> str:
    if guess is not None:
        console.print(f"{guess.sureness}: {one_line('; '.join(guess.reasons))}", style="dim")
    columns = {one_line(name): name for name in names}
    shown = ", ".join(list(columns)[:_SHOWN]) + (" …" if len(columns) > _SHOWN else "")
    console.print(f"columns: {shown}", style="dim")
    while True:
        answer = _asked(question, None if guess is None else one_line(str(guess.value)), console)
        if answer in columns:
            return columns[answer]
        if answer == _NONE and not is_required:
            return ""
        console.print(f"there is no column {answer!r}")


def _asked(question: str, default: str | None, console: Console) -> str:
    if default is None:
        return Prompt.ask(question, console=console)
    return Prompt.ask(question, default=default, console=console)
