"""Long lines, wrapped between words at a terminal."""

import os
import sys
import textwrap

_MINIMUM_WIDTH = 20
_INDENT = 2


def fold(text: str) -> str:
    """Return `text` with lines wrapped at the width of stderr if it is a terminal, else unchanged.

    Continuation lines are indented. Words that are longer than a line, for example paths, are not broken.
    """
    width = _terminal_width()
    if width is None:
        return text
    return "\n".join(_fold_line(line, width) for line in text.split("\n"))


def _fold_line(line: str, width: int) -> str:
    if len(line) <= width:
        return line
    indent = line[: len(line) - len(line.lstrip(" -"))]
    folded = textwrap.wrap(
        line.removeprefix(indent),
        width=width,
        initial_indent=indent,
        subsequent_indent=" " * max(_INDENT, len(indent)),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(folded)


def _terminal_width() -> int | None:
    try:
        columns = os.get_terminal_size(sys.stderr.fileno()).columns
    except (OSError, ValueError, AttributeError):
        return None  # a file, a pipe, or closed
    return columns if columns >= _MINIMUM_WIDTH else None
