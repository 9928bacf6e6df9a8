"""The check of an SQL query before any file is opened. polars reads the rest of the language."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

EVENTS_TABLE = "events"
"""The name of the table of all event files in a query."""
MAXIMUM_CHARACTERS = 1_000_000

_TOKEN = re.compile(
    r"""(?P<space> \s+ | --[^\n]* | /\*.*?\*/ )
    | (?P<text> '[^']*+(?:''[^']*+)*+' )
    | (?P<name> "[^"]*+(?:""[^"]*+)*+" | `[^`]*+(?:``[^`]*+)*+` )
    | (?P<word> [^\W\d]\w* )
    | (?P<other> . )""",
    re.VERBOSE | re.DOTALL,
)
_UNREADABLE = re.compile("[\0\ud800-\udfff]")
_FILE_FUNCTION = re.compile(r"(read|scan|sniff)_\w+|glob", re.IGNORECASE)
_UNORDERED = {"join", "group", "distinct", "union", "intersect", "except"}
"""Words of a query whose rows polars gives in any order."""


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    position: int
    """Position of the first character, from 1."""

    @property
    def name(self) -> str:
        """The name of a table, column or function without its quotes, in lower case. Empty for other kinds."""
        return self.text.strip('"`').lower() if self.kind in ("word", "name") else ""


def check_query(query: str) -> str:
    """Return `query` if it is one SELECT statement that names no function on files.

    Raises
    ------
    ValueError
        It is another statement, or more than one. It reads a file, or a quote is never closed. The message names the
        position.
    """
    if len(query) > MAXIMUM_CHARACTERS:
        raise ValueError(f"the query is longer than {MAXIMUM_CHARACTERS:,} characters")
    if unreadable := _UNREADABLE.search(query):
        raise ValueError(f"unreadable character at character {unreadable.start() + 1}")
    tokens = list(_tokens(query))
    first = next((token for token in tokens if token.text != "("), None)
    if first is None or first.name not in ("select", "with"):
        raise ValueError("a query starts with SELECT or WITH")
    for token, after in pairwise(tokens):
        if token.text == ";":
            raise ValueError(f"write one query; a second one starts at character {after.position}")
        if after.text == "(" and _FILE_FUNCTION.fullmatch(token.name):
            raise ValueError(
                f"function {token.text} at character {token.position} is not allowed; a query reads only the tables"
                f" {EVENTS_TABLE} and those of events.tables"
            )
    return query


def loses_order(query: str) -> bool:
    """Return whether polars may give the rows of `query` in another order each time.

    The rows of a join, a group or a union have no order, except after an ORDER BY of the whole query.
    """
    depth, words = 0, set()
    tokens = list(_tokens(query))
    for token, after in zip(tokens, [*tokens[1:], _Token("end", "", 0)], strict=True):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if token.kind == "word" and not (token.name == "join" and after.name == "unnest"):
            words.add(token.name)
        if depth == 0 and token.name == "order" and after.name == "by":
            return False
    return not words.isdisjoint(_UNORDERED)


def _tokens(query: str) -> Iterator[_Token]:
    """Yield the tokens of `query` without white space and comments."""
    for match in _TOKEN.finditer(query):
        kind = str(match.lastgroup)
        if kind == "other" and match[0] in "'\"`":
            raise ValueError(f"the quote at character {match.start() + 1} is never closed")
        if kind != "space":
            yield _Token(kind, match[0], match.start() + 1)
