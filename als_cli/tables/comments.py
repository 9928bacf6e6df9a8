"""Comments above the header of delimited text, which als does not skip."""

from collections.abc import Sequence
from typing import BinaryIO

from als_cli.errors import DataError

_MARK = "#"
_HEAD_BYTES = 1 << 16
_SEPARATORS = ",\t;|"


def leading_comments(lines: Sequence[str]) -> int:
    """Return the number of lines at the top that are comments, with the blank lines among them; 0 without comments.

    A line that starts with `#` and has as many fields as the line below is a header.
    """
    number = next((n for n, line in enumerate(lines) if line.strip() and not _is_comment(line)), len(lines))
    while number and not lines[number - 1].strip():
        number -= 1
    if 0 < number < len(lines):
        below = next(line for line in lines[number:] if line.strip())
        last = lines[number - 1]
        if any(below.count(one) == last.count(one) > 0 for one in _SEPARATORS):
            number -= 1
    return number if any(map(_is_comment, lines[:number])) else 0


def check_comments(stream: BinaryIO, name: str, encoding: str) -> None:
    """Return when the text at the start of `stream`, in table `name`, has no comments above the header.

    Raises
    ------
    DataError
        It has comments. The message has the number of lines.
    """
    text = stream.read(_HEAD_BYTES).decode(encoding, errors="replace").removeprefix("\ufeff")
    count = leading_comments(text.splitlines())
    if count:
        lines = "line looks like a comment" if count == 1 else f"{count:,} lines look like comments"
        remedy = f"remove {'it' if count == 1 else 'them'}, for example with `tail -n +{count + 1}`"
        raise DataError(f"{name}: the first {lines}", hint=remedy)


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith(_MARK)
