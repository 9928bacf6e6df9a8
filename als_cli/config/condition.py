"""The language of `where`: one SQL expression over the columns of one row.

:func:`read_condition` parses a condition and writes it again as SQL, token by token. Names are always quoted. Keywords,
operators, types and functions come from :mod:`als_cli.config.condition_words`. The grammar has no rule for subqueries,
table functions, aggregates and window functions, so the written SQL cannot contain them.
"""

import difflib
from dataclasses import dataclass, field
from itertools import count

from als_cli.config.condition_tokens import TokenReader, read_tokens, shown
from als_cli.config.condition_words import (
    ARITHMETIC,
    CONSTANTS,
    DATE_PARTS,
    FUNCTIONS,
    INFIX,
    INTERVAL,
    PATTERNS,
    PREDICATES,
    RESERVED,
    TEXT_ARGUMENTS,
    TYPED_LITERALS,
    TYPES,
)

MAXIMUM_DEPTH = 16
"""Levels of parentheses, functions and signs."""
MAXIMUM_OPERANDS = 2_000
"""Columns and values, not counting lists of IN. Polars needs about a second for a chain of 1,000 comparisons, and six for 2,000."""


@dataclass(frozen=True)
class Condition:
    """A condition that contains only tokens of the allowed language."""

    sql: str
    """The condition as SQL, written from the tokens."""
    columns: tuple[str, ...]
    """The columns that the condition uses, each once, in the order of their first use."""
    has_cast: bool
    """Whether the condition converts values to another type, which can fail for single rows."""


def read_condition(text: str) -> Condition:
    """Return the condition in `text`.

    Raises
    ------
    ValueError
        `text` is not one expression of the allowed language. The message names the wrong token and its position.
    """
    reader = _ConditionReader(list(read_tokens(text)))
    reader.read()
    return Condition(" ".join(reader.sql), tuple(dict.fromkeys(reader.columns)), reader.has_cast)


def columns_in(text: str | None) -> tuple[str, ...]:
    """Return the columns that the condition in `text` uses; none without a condition."""
    return () if text is None else read_condition(text).columns


def check_condition(text: str) -> str:
    """Return `text`. Raise a ValueError if it is not a condition."""
    read_condition(text)
    return text


@dataclass
class _ConditionReader(TokenReader):
    """Reads tokens by the grammar of conditions.

    Each rule returns the number of operands in the expression of polars. BETWEEN, NULLIF, RIGHT, and CASE with an
    operand repeat operands, so nested ones grow exponentially. The rules ignore precedence, which polars applies.
    """

    columns: list[str] = field(default_factory=list)
    depth: int = 0
    has_cast: bool = False

    def read(self) -> None:
        """Read all tokens as one expression."""
        self._expression()
        if self.next.kind != "end":
            self.refuse("an operator, 'and', 'or' or the end")

    def _expression(self) -> int:
        size = self._operand()
        while True:
            word = self.next.word
            if word in INFIX:
                self.take()
                size += self._operand()
            elif word in PREDICATES:
                size = self._predicate(size)
            elif word == "is":
                size += self._is()
            elif not self._cast_suffix():
                return size
            self._check_size(size)

    def _operand(self) -> int:
        self.depth += 1
        if self.depth > MAXIMUM_DEPTH:
            raise ValueError(
                f"nested more than {MAXIMUM_DEPTH} levels deep at character {self.next.position}"
            )
        if self.next.word in {"not", "-", "+"}:
            self.take()
            size = self._operand()
        elif self.take_if("("):
            size = self._expression()
            self.expect(")")
        elif self.take_if("case"):
            size = self._case()
        else:
            size = self._value()
        self.depth -= 1
        self._check_size(size)
        return size

    def _check_size(self, size: int) -> None:
        if size > MAXIMUM_OPERANDS:
            raise ValueError(
                f"more than {MAXIMUM_OPERANDS:,} columns and values; write lists as COLUMN in (1, 2, 3)"
            )

    def _value(self) -> int:
        """Read a literal, a column or a function."""
        token, after = self.next, self.after
        if token.kind in {"text", "number"} or token.word in CONSTANTS:
            self.take()
        elif token.kind == "name" or (token.kind == "word" and token.word not in RESERVED):
            if token.kind == "word" and after.word == "(":
                return self._function()
            if token.kind == "word" and after.kind == "text":
                self._typed_literal()
            else:
                self._column()
        else:
            quoting = " (put a column of that name in double quotes)" if token.kind == "word" else ""
            self.refuse(f"a column, a value or '('{quoting}")
        return 1

    def _column(self) -> None:
        name = self.next.text
        if self.next.kind == "name":
            name = name[1:-1].replace(2 * name[0], name[0])
        # polars selects several columns by these names.
        if name == "*" or (name.startswith("^") and name.endswith("$")):
            raise ValueError(
                f"column {shown(name)} at character {self.next.position} cannot be used in a condition; rename it"
            )
        self.columns.append(name)
        self.write('"' + name.replace('"', '""') + '"')

    def _typed_literal(self) -> None:
        text = self.after
        if self.next.word == "interval" and not INTERVAL.fullmatch(text.text[1:-1]):
            raise ValueError(
                f"unable to parse: interval {text.text} at character {text.position}; write for example '30 days'"
            )
        if self.next.word not in TYPED_LITERALS:
            self.at += 1
            self.refuse("an operator or '('")
        self.take()
        self.take()

    def _function(self) -> int:
        name, position = self.next.word, self.next.position
        special = {"cast": self._cast, "try_cast": self._cast, "extract": self._extract}.get(name)
        if special is None and name not in FUNCTIONS:
            self.refuse_function(difflib.get_close_matches(name, FUNCTIONS, n=1, cutoff=0.75))
        self.take()
        self.has_cast = self.has_cast or name == "strptime"
        self.expect("(")
        if special is not None:
            return special()
        sizes = [] if self.take_if(")") else self._arguments(TEXT_ARGUMENTS.get(name, ()))
        minimum, maximum = FUNCTIONS[name]
        if not minimum <= len(sizes) <= maximum:
            wanted = str(minimum) if minimum == maximum else f"{minimum} to {maximum}"
            raise ValueError(
                f"function {name!r} at character {position} takes {wanted} arguments, not {len(sizes)}"
            )
        return sum(sizes) + (sizes[0] if name in {"nullif", "right"} else 0)

    def _arguments(self, texts: tuple[int, ...]) -> list[int]:
        positions = count()
        return self.separated(lambda: self._text() if next(positions) in texts else self._expression())

    def _text(self) -> int:
        if self.next.kind != "text":
            self.refuse("a text in single quotes")
        self.take()
        return 1

    def _cast(self) -> int:
        size = self._expression()
        self.expect("as")
        self._type()
        self.expect(")")
        return size

    def _extract(self) -> int:
        if self.next.word not in DATE_PARTS:
            self.refuse(f"one of {', '.join(DATE_PARTS)}")
        self.take()
        self.expect("from")
        size = self._expression()
        self.expect(")")
        return size

    def _case(self) -> int:
        operand = 0 if self.next.word == "when" else self._expression()
        size = 0
        while size == 0 or self.next.word == "when":
            self.expect("when")
            size += operand + self._expression()
            self.expect("then")
            size += self._expression()
        if self.take_if("else"):
            size += self._expression()
        self.expect("end")
        return size

    def _predicate(self, size: int) -> int:
        """Read [NOT] BETWEEN, IN or LIKE after an operand of `size`."""
        self.take_if("not")
        if self.take_if("between"):
            size = 2 * size + self._lower_bound()
            self.expect("and")
            return size + self._operand()
        if self.take_if("in"):
            self.expect("(")
            self.separated(self._list_entry)
            return size + 1
        if self.next.word not in PATTERNS:
            self.refuse("'between', 'in' or 'like'")
        self.take()
        return size + self._text()

    def _lower_bound(self) -> int:
        size = self._operand()
        while self.next.word in ARITHMETIC or self._cast_suffix():
            if self.next.word in ARITHMETIC:
                self.take()
                size += self._operand()
        return size

    def _list_entry(self) -> int:
        if self.next.word in {"-", "+"} and self.after.kind == "number":
            self.take()
        if self.next.kind in {"text", "number"} or self.next.word in CONSTANTS:
            self.take()
        elif self.next.word in TYPED_LITERALS and self.after.kind == "text":
            self._typed_literal()
        else:
            self.refuse("a number, a text in single quotes or a date; compare columns with '='")
        self._cast_suffix()
        return 0

    def _is(self) -> int:
        self.take()
        self.take_if("not")
        if self.next.word not in CONSTANTS:
            self.refuse("'null', 'true' or 'false'")
        self.take()
        return 1

    def _cast_suffix(self) -> bool:
        if not self.take_if("::"):
            return False
        self._type()
        return True

    def _type(self) -> None:
        self.has_cast = True
        if self.next.word not in TYPES:
            self.refuse(f"one of the types {', '.join(TYPES)}")
        self.take()
