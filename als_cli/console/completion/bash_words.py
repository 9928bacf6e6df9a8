"""The words of a bash command line, and candidates in the form that bash inserts."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_SPECIAL = re.compile(r"[^\w@%+=:,./-]")
_NO_BREAK = " \t\n\"'><;|&("
"""Word breaks that are no part of a word, or that begin one."""


@dataclass
class BashLine:
    """The command line before the cursor."""

    words: list[str]
    """The complete words without quotes, from the name of the command on."""
    start: str
    """The word at the cursor without quotes."""
    quote: str
    """The quote that is open at the cursor: ``'``, ``"`` or empty."""
    kept: int
    """Number of characters of `start` before the part that bash replaces: it ends after the last word break."""


def read_line(line: str, breaks: str) -> BashLine:
    """Return the words of `line`. `breaks` are the word breaks of bash, for example ``=`` and ``:``."""
    words: list[str] = []
    word: list[str] | None = None
    quote, kept, escaped = "", 0, False
    for sign in line:
        if escaped:
            word, escaped = [*(word or []), sign], False
        elif sign == "\\" and quote != "'":
            escaped = True
        elif quote:
            quote, word = ("", word) if sign == quote else (quote, [*(word or []), sign])
        elif sign in "'\"":
            quote, word = sign, word or []
        elif sign.isspace():
            words += [] if word is None else ["".join(word)]
            word, kept = None, 0
        else:
            word = [*(word or []), sign]
            kept = len(word) if sign in breaks and sign not in _NO_BREAK else kept
    return BashLine(words, "".join(word or []), quote, kept)


def insertable(values: Iterator[str], line: BashLine) -> Iterator[str]:
    """Yield the text that bash inserts for each of `values`, with the quotes that it needs."""
    for value in values:
        rest = value[line.kept :]
        if line.quote == "'":
            yield from [rest] if "'" not in rest else []
        elif line.quote:
            yield re.sub(r'(["$`\\])', r"\\\1", rest)
        else:
            tilde = "~/" if rest.startswith("~/") and line.start.startswith("~/") else ""
            yield tilde + _SPECIAL.sub(lambda found: f"\\{found[0]}", rest.removeprefix(tilde))
