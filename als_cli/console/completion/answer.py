"""The answer to a shell that asks for candidates."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from als_cli.console.completion.bash_words import insertable, read_line
from als_cli.console.completion.candidates import Candidate, candidates_for

VARIABLE = "_ALS_COMPLETE"
"""Environment variable that the scripts set to the name of the shell."""


def answer(command: Any, shell: str, arguments: Sequence[str]) -> None:
    """Print one candidate per line on stdout. After any failure, print the candidates before it, and no message.

    `arguments` of bash are the line, the position of the cursor and the word breaks. Those of the other shells are the
    words, of which the last one is at the cursor.
    """
    with suppress(Exception):
        for line in _lines(command, shell, arguments):
            sys.stdout.write(line + "\n")
    with suppress(Exception):
        sys.stdout.flush()


def _lines(command: Any, shell: str, arguments: Sequence[str]) -> Iterator[str]:
    if shell == "bash":
        text, point, breaks = arguments
        line = read_line(text[: int(point)], breaks)
        found = _printable(candidates_for(command, line.words[1:], line.start))
        yield from insertable((one.value for one in found), line)
        return
    *words, start = arguments
    for one in _printable(candidates_for(command, words, start)):
        yield f"{one.value}\t{' '.join(one.help.split())}" if one.help else one.value


def _printable(candidates: Iterator[Candidate]) -> Iterator[Candidate]:
    """Yield candidates that are one line of text: an id may contain any character."""
    return (one for one in candidates if one.value.isprintable())
