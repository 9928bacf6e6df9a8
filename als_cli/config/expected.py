"""The expected and the given value of a key in words, for messages about wrong values."""

import math
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Literal, get_args, get_origin

from als_cli.config.fields import Wording
from als_cli.config.schema_keys import Accepted, types_in

_SHOWN_KEYS = 4
_SHOWN_CHARACTERS = 60
_SHOWN_DEPTH = 4
_BOUNDS = ("ge", "gt", "le", "lt")


def words_for(accepted: Sequence[Accepted]) -> str:
    """Return the values that the `accepted` types allow, for example ``auto or a whole number of at least 1``."""
    literals = literals_of(accepted)
    words = (
        [", ".join(literals) if len(literals) == 1 else f"one of {', '.join(literals)}"] if literals else []
    )
    words += [_words(one) for one in accepted if one.origin is not Literal and one.kind is not type(None)]
    words += ["null"] if is_nullable(accepted) else []
    return _joined(words)


def is_nullable(accepted: Iterable[Accepted]) -> bool:
    """Return whether one of the types is null."""
    return any(one.kind is type(None) for one in accepted)


def literals_of(accepted: Iterable[Accepted]) -> list[str]:
    """Return the allowed words, for example ``auto``, each once."""
    words = (str(word) for one in accepted if one.origin is Literal for word in get_args(one.kind))
    return list(dict.fromkeys(words))


def shown(value: Any) -> str:
    """Return `value` as YAML on one line, shortened if it is long."""
    text = _written(value, _SHOWN_DEPTH)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def _words(accepted: Accepted) -> str:
    for entry in accepted.metadata:
        if isinstance(entry, Wording):
            return entry.text
    if accepted.section is not None:
        return _section_words(accepted)
    if accepted.origin is tuple:
        inner = words_for(list(types_in(get_args(accepted.kind)[0])))
        some = "a list of one or more entries" if _constraint(accepted, "min_length") else "a list"
        return f"{some}, each {inner}"
    if accepted.origin is dict:
        inner = words_for(list(types_in(get_args(accepted.kind)[1])))
        return f"a section in which each key has {inner} as its value"
    plain = {bool: "true or false", int: _number_words("a whole number", accepted)}
    plain |= {float: _number_words("a number", accepted), str: _text_words(accepted)}
    return plain.get(accepted.kind, "another value")


def _section_words(accepted: Accepted) -> str:
    fields = accepted.section.model_fields if accepted.section is not None else {}
    for name, field in fields.items():
        if get_origin(field.annotation) is Literal and len(get_args(field.annotation)) == 1:
            return f"{{{name}: {get_args(field.annotation)[0]}}}"
    needed = [name for name, field in fields.items() if field.is_required()]
    if needed:
        return "{" + ", ".join(f"{name}: …" for name in needed) + "}"
    names = list(fields)
    if len(names) > _SHOWN_KEYS:
        return f"a section with keys {', '.join(names[:_SHOWN_KEYS])} and others"
    return f"a section with keys {', '.join(names)}"


def _text_words(accepted: Accepted) -> str:
    return "text that is not empty" if _constraint(accepted, "min_length") else "text"


def _number_words(noun: str, accepted: Accepted) -> str:
    at_least, above, at_most, below = (_constraint(accepted, name) for name in _BOUNDS)
    if accepted.kind is int and below is not None:
        at_most, below = below - 1, None
    if at_least is not None and at_most is not None:
        return f"{noun} from {at_least} to {at_most}"
    limits = (("of at least", at_least), ("above", above), ("of at most", at_most), ("below", below))
    return " ".join(
        [noun, " and ".join(f"{word} {limit}" for word, limit in limits if limit is not None)]
    ).strip()


def _constraint(accepted: Accepted, name: str) -> Any:
    return next((getattr(one, name) for one in accepted.metadata if hasattr(one, name)), None)


def _joined(words: Sequence[str]) -> str:
    unique = list(dict.fromkeys(words))
    *first, last = unique
    # A comma before "or" separates the last alternative from a list of words or entries before it.
    comma = "," if any("," in word or "such as" in word for word in first) else ""
    return f"{', '.join(first)}{comma} or {last}" if first else last


def _written(value: Any, depth: int) -> str:
    if isinstance(value, (list, tuple, set)):
        inner = ", ".join(_written(entry, depth - 1) for entry in value) if depth else "…"
        return f"[{inner}]"
    if isinstance(value, dict):
        pairs = (f"{_key(key)}: {_written(entry, depth - 1)}" for key, entry in value.items())
        return f"{{{', '.join(pairs) if depth else '…'}}}"
    return repr(str(value)) if isinstance(value, str) else _scalar(value)


def _key(key: Any) -> str:
    return str(key) if isinstance(key, str) else _scalar(key)


def _scalar(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else f"{'-' if value < 0 else ''}.inf"
    if isinstance(value, date):
        return value.isoformat()
    return str(value)
