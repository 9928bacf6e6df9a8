"""Messages about broken YAML, in plain words instead of the terms of the parser."""

import codecs
import re
from dataclasses import dataclass
from typing import Literal

import yaml
from yaml.reader import ReaderError

from als_cli.errors import ConfigError

_QUOTE_IT = "put the value in quotes if it is text"
_NO_SPACE = re.compile(r"\s*(?:- )?(?P<key>[A-Za-z_][\w.]*):(?P<value>[^\s:/\\].*)")
_TAB_IN_INDENTATION = re.compile(r" *\t")


@dataclass(frozen=True)
class _ParserError:
    """One error of the parser, and its message and hint for the author of the file."""

    pattern: str
    """Pattern of the parser's context and problem, joined by a bar."""
    at: Literal["start", "problem"]
    """The line to name: the start of the broken value, or the position at which the parser stopped."""
    message: str
    """May contain ``{sign}``, the character at that position, and ``{word}``, the first group of the pattern."""
    hint: str


_PARSER_ERRORS = (
    _ParserError(
        r"quoted scalar\|found unexpected",
        "start",
        "a quote is opened here and never closed",
        "close the text with the quote that opens it",
    ),
    _ParserError(
        r"double-quoted scalar\|",
        "problem",
        "a backslash in double quotes starts an escape, and YAML does not know this one",
        "use single quotes: in these a backslash is an ordinary character",
    ),
    _ParserError(
        r"flow sequence\|expected",
        "start",
        "the list that starts with `[` is not closed, or a comma is missing in it",
        "write a list as [a, b], and put an entry that contains a colon in quotes",
    ),
    _ParserError(
        r"flow mapping\|expected",
        "start",
        "the section that starts with `{{` is not closed, or a comma is missing in it",
        "write a section as {key: value, key: value}",
    ),
    _ParserError(
        r"expected the node content",
        "problem",
        "a value is missing here, or a bracket or comma is in the wrong place",
        "give a value; put text that starts with a bracket or comma in quotes",
    ),
    _ParserError(
        r"could not find expected ':'",
        "start",
        "no colon follows this key",
        "write `key: value`, with a space after the colon",
    ),
    _ParserError(
        r"mapping values are not allowed",
        "problem",
        "a second colon in one value, or a line that is indented too far",
        "put a value that contains a colon and a space in quotes; indent the keys of one section alike",
    ),
    _ParserError(
        r"sequence entries are not allowed|block mapping\|.*found '-'|block collection\|",
        "problem",
        "list entries (`- …`) and keys are mixed here",
        "start a list on a line of its own below its key, with each entry indented alike",
    ),
    _ParserError(
        r"mapping keys are not allowed", "problem", "a value cannot start with `?` and a space", _QUOTE_IT
    ),
    _ParserError(
        r"found '<scalar>'",
        "problem",
        "text follows here after the closing quote of a value, or the indentation is wrong",
        "put the whole value in one pair of quotes",
    ),
    _ParserError(
        r"expected <block end>",
        "problem",
        "the indentation of this line fits no line above it",
        "indent the keys of one section alike, with spaces",
    ),
    _ParserError(
        r"cannot start any token|scanning an (?:alias|anchor)\||block scalar\|",
        "start",
        "a value cannot start with `{sign}`",
        _QUOTE_IT,
    ),
    _ParserError(
        r"undefined alias '(.*)'",
        "problem",
        "`*{word}` refers to a value marked `&{word}`, and there is none above",
        _QUOTE_IT,
    ),
    _ParserError(
        r"duplicate anchor '(.*)';", "problem", "`&{word}` marks a second value", "mark one value only"
    ),
    _ParserError(
        r"constructor for the tag '(?:tag:yaml\.org,2002:)(.*)'",
        "problem",
        "values of type `!!{word}` are not supported",
        "write the plain value; " + _QUOTE_IT,
    ),
    _ParserError(
        r"constructor for the tag '(.*)'",
        "problem",
        "values of type `{word}` are not supported",
        "write the plain value; " + _QUOTE_IT,
    ),
    _ParserError(r"\btag\b", "start", "a value cannot start with `!`", _QUOTE_IT),
    _ParserError(
        r"unhashable key",
        "problem",
        "a key is a list or a section here, where a word is needed",
        "put a value that starts with `{{`, or a key in brackets, in quotes",
    ),
    _ParserError(
        r"for merging", "problem", "`<<` takes over the keys of a section, and its value is none", _QUOTE_IT
    ),
    _ParserError(
        r"single document",
        "problem",
        "a second document begins here",
        "keep one document in the file, and remove the line `---`",
    ),
    _ParserError(
        r"document start",
        "problem",
        "the text goes on after the end of the document",
        "remove the line `...` above",
    ),
    _ParserError(
        r"directive|incompatible YAML", "problem", "a line cannot start with `%`", "remove the line, or quote it"
    ),
)  # fmt: skip
_UNREADABLE = _ParserError(
    "", "problem", "this line is not YAML", "check indentation, quotes and brackets near it"
)


@dataclass(frozen=True)
class YamlText:
    """A YAML text and its origin."""

    text: str
    origin: str
    """File, flag or environment variable."""
    is_file: bool = True
    """Whether messages name a line."""

    def error(self, line: int | None, message: str, hint: str) -> ConfigError:
        """Return a ConfigError that names the origin and, for a file, the line."""
        place = f"{self.origin}, line {line}" if self.is_file and line is not None else self.origin
        if "quotes" in hint and not self.is_file:
            hint += f"; the shell removes its own: {self.origin}='\"TEXT\"'"
        return ConfigError(f"{place}: {message}", hint=hint)


def syntax_error(broken: yaml.MarkedYAMLError, source: YamlText) -> ConfigError:
    """Return the error for `broken`, an error of the parser in `source`, in plain words."""
    said = f"{broken.context or ''}|{broken.problem or ''}"
    noticed = broken.problem_mark or broken.context_mark
    start = broken.context_mark or noticed
    if noticed is None or start is None:
        return source.error(None, _UNREADABLE.message, _UNREADABLE.hint)
    lines = [*source.text.splitlines(), ""]
    frequent = _frequent_mistake(lines, {start.line, noticed.line, noticed.line - 1}, source)
    if frequent is not None:
        return frequent
    known, found = next(
        ((one, match) for one in _PARSER_ERRORS if (match := re.search(one.pattern, said))),
        (_UNREADABLE, None),
    )
    mark = start if known.at == "start" else noticed
    sign = lines[mark.line][mark.column : mark.column + 1] if mark.line < len(lines) else ""
    word = found[1] if found is not None and found.re.groups else ""
    message = known.message.format(sign=sign, word=word)
    return source.error(min(mark.line + 1, max(1, len(lines) - 1)), message, known.hint)


def character_error(broken: ReaderError, source: YamlText) -> ConfigError:
    """Return the error for a character that YAML does not allow, for example NUL."""
    line = source.text.count("\n", 0, broken.position) + 1
    message = f"the invisible character U+{ord(source.text[broken.position]):04X} is not allowed"
    return source.error(line, message, "remove it, and save the file as plain text in UTF-8")


def encoding_error(broken: UnicodeDecodeError, origin: str) -> ConfigError:
    """Return the error for a file that is not UTF-8 text."""
    content = broken.object
    hint = "save the file as plain text in UTF-8"
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return ConfigError(f"{origin}: the file is UTF-16 text, and must be UTF-8", hint=hint)
    line = content.count(b"\n", 0, broken.start) + 1
    return ConfigError(
        f"{origin}, line {line}: the byte 0x{content[broken.start]:02x} is not UTF-8 text", hint=hint
    )


def _frequent_mistake(lines: list[str], suspects: set[int], source: YamlText) -> ConfigError | None:
    # The parser reports these two mistakes on a later line, and as other mistakes.
    for number in sorted(n for n in suspects if 0 <= n < len(lines)):
        if _TAB_IN_INDENTATION.match(lines[number]):
            return source.error(number + 1, "a tab where YAML wants spaces", "indent with spaces")
        joined = _NO_SPACE.fullmatch(lines[number])
        if joined:
            hint = f"write `{joined['key']}: {joined['value']}`"
            return source.error(number + 1, "a space is missing after the colon", hint)
    return None
