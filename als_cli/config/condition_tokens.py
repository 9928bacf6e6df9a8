"""The tokens of a condition, and a reader that takes tokens one by one and writes them as SQL."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NoReturn

MAXIMUM_CHARACTERS = 1_000_000

_TOKEN = re.compile(
    r"""(?P<space> \s+ | --[^\n]* | /\*.*?\*/ )
    | (?P<text> '[^']*+(?:''[^']*+)*+' )
    | (?P<name> "[^"]*+(?:""[^"]*+)*+" | `[^`]*+(?:``[^`]*+)*+` )
    | (?P<number> (?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?![\w.]) )
    | (?P<word> [^\W\d]\w* )
    | (?P<symbol> ::|<>|!=|<=|>=|==|\|\||//|!~\*|!~|~\*|[-+*/%=<>~&|(),] )""",
    re.VERBOSE | re.DOTALL,
)
# Bytes of a shell argument that are not UTF-8 become lone surrogates. polars does not accept them.
_UNREADABLE = re.compile("[\0\ud800-\udfff]")
_PLACEHOLDER = "write the value itself instead of a placeholder"
_ADVICE = {
    ";": "write one condition, without a semicolon",
    ".": "write the name of the column alone, without a table",
    **dict.fromkeys("?$:@", _PLACEHOLDER),
}
_ONE_ROW = "a condition computes with the columns of one row"
_SHOWN = 30


@dataclass(frozen=True)
class Token:
    """One token of a condition."""

    kind: str
    """text, name (quoted), number, word, symbol, or end."""
    text: str
    position: int
    """Position of the first character, from 1."""

    @property
    def word(self) -> str:
        """The word or symbol in lower case. Empty for other kinds, and for words that are not ASCII."""
        return self.text.lower() if self.kind in {"word", "symbol"} and self.text.isascii() else ""


def read_tokens(text: str) -> Iterator[Token]:
    """Yield the tokens of `text`, then a token of kind end. White space and comments are left out.

    Raises
    ------
    ValueError
        A character starts no token. The message names the character and its position.
    """
    if len(text) > MAXIMUM_CHARACTERS:
        raise ValueError(f"unable to parse: longer than {MAXIMUM_CHARACTERS:,} characters")
    if unreadable := _UNREADABLE.search(text):
        raise ValueError(f"unable to parse: unreadable character at character {unreadable.start() + 1}")
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ValueError(_no_token(text[position:], position + 1))
        if match.lastgroup != "space":
            yield Token(str(match.lastgroup), match[0], position + 1)
        position = match.end()
    yield Token("end", "", position + 1)


def shown(text: str) -> str:
    """Return `text` in quotes for a message, shortened if it is long."""
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")


def _no_token(rest: str, position: int) -> str:
    if rest[0] in "'\"`":
        return f"unable to parse: the quote at character {position} is never closed"
    advice = _ADVICE.get(rest[0], "put names with other characters in double quotes")
    return f"unable to parse: unexpected {shown(rest.split(maxsplit=1)[0])} at character {position}; {advice}"


@dataclass
class TokenReader:
    """Takes tokens one by one, and writes each to `sql`."""

    tokens: list[Token]
    sql: list[str] = field(default_factory=list)
    at: int = 0

    @property
    def next(self) -> Token:
        """The first token that has not been taken."""
        return self.tokens[self.at]

    @property
    def after(self) -> Token:
        """The token after `next`."""
        return self.tokens[min(self.at + 1, len(self.tokens) - 1)]

    def write(self, sql: str) -> None:
        """Take a token, and write `sql` instead of it."""
        self.sql.append(sql)
        self.at += 1

    def take(self) -> None:
        """Take a token, and write it unchanged; words are written in upper case."""
        self.write(self.next.word.upper() or self.next.text)

    def take_if(self, word: str) -> bool:
        """Take the token if it is `word`. Return whether it was taken."""
        if self.next.word != word:
            return False
        self.take()
        return True

    def expect(self, word: str) -> None:
        """Take the token. Raise a ValueError if it is not `word`."""
        if not self.take_if(word):
            self.refuse(f"'{word}'")

    def separated(self, rule: Callable[[], int]) -> list[int]:
        """Read ``a, b, c)``, each entry with `rule`. Return the result of each entry."""
        found = [rule()]
        while self.take_if(","):
            found.append(rule())
        self.expect(")")
        return found

    def refuse(self, expected: str) -> NoReturn:
        """Raise a ValueError that names the next token and `expected`, the right one."""
        found, place = self.next, f"at character {self.next.position}"
        if found.kind == "end":
            raise ValueError(f"unable to parse: the condition ends {place}, where {expected} is missing")
        if found.word in {"select", "with"}:
            raise ValueError(f"subqueries are not allowed ({shown(found.text)} {place}); {_ONE_ROW}")
        raise ValueError(f"unable to parse: unexpected {shown(found.text)} {place} instead of {expected}")

    def refuse_function(self, near: list[str]) -> NoReturn:
        """Raise a ValueError about the function at `next`. `near` are similar names that are allowed."""
        advice = f"a similar one is {near[0]!r}" if near else _ONE_ROW
        raise ValueError(
            f"function {shown(self.next.text)} at character {self.next.position} is not allowed; {advice}"
        )
