"""Mistakes in the values of a config. Each is one line with the key, the given value and the expected value.

pydantic finds the mistakes. Its messages are not shown, because for a union they name every branch, in terms of Python.
The mistakes are reduced to one per key. Its message is made from the types that the key accepts.
"""

import difflib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from als_cli.config.expected import literals_of, shown, words_for
from als_cli.config.fields import SecretValueError, WrongFormError
from als_cli.config.root import Config
from als_cli.config.schema_keys import Accepted, accepted_at, keys_below, keys_named, kinds_with
from als_cli.config.yaml_text import KeyPath

_NEAR = 0.7
_FAR = 0.6


@dataclass(frozen=True)
class _Mistake:
    """One error of pydantic, at a key that is in the config."""

    kind: Literal["unknown", "missing", "rule", "type"]
    path: KeyPath
    rule: str = ""
    """The message of a validator of als-cli."""
    is_secret: bool = False
    """Whether the message must not show the value."""
    branches: tuple[tuple[KeyPath, str], ...] = ()
    """The section models that pydantic tried, each with the path of its section."""


def problems_of(
    wrong: ValidationError, tree: dict[str, Any], origin_of: Callable[[KeyPath], str]
) -> list[str]:
    """Return a line for each mistake in `tree`. `origin_of` returns where the value of a key was written."""
    mistakes = [_mistake(detail, tree) for detail in wrong.errors(include_url=False)]
    mistakes = _without_other_branches(mistakes, tree)
    mistakes = _without_misspelt(mistakes)
    lines = {}
    for path in dict.fromkeys(mistake.path for mistake in mistakes):
        if _has_deeper(mistakes, path):
            continue
        here = [mistake for mistake in mistakes if mistake.path == path]
        origin = origin_of(path)
        place = _dotted(path) + (f" ({origin})" if origin else "")
        lines[place] = f"{place}: {_message(here, tree)}"
    return list(lines.values())


def _dotted(path: KeyPath) -> str:
    """Return `path` as text, for example ``events.source, entry 1, path``. Entries of lists count from 1."""
    parts: list[str] = []
    after_entry = True
    for name in path:
        if isinstance(name, int):
            parts.append(f"entry {name + 1}")
        elif after_entry:
            parts.append(name)
        else:
            parts[-1] += f".{name}"
        after_entry = isinstance(name, int)
    return ", ".join(parts)


def _mistake(detail: ErrorDetails, tree: Any) -> _Mistake:
    path, branches = _real_path(detail, tree)
    error = detail.get("ctx", {}).get("error")
    if detail["type"] == "extra_forbidden":
        return _Mistake("unknown", path, branches=branches)
    if detail["type"] == "missing":
        return _Mistake("missing", path, branches=branches)
    if detail["type"] == "value_error" and not isinstance(error, WrongFormError):
        is_secret = isinstance(error, SecretValueError)
        return _Mistake("rule", path, str(error), is_secret, branches)
    if detail["type"].startswith("union_tag"):
        return replace(_variant_mistake(path, tree), branches=branches)
    return _Mistake("type", path, branches=branches)


def _real_path(detail: ErrorDetails, tree: Any) -> tuple[KeyPath, tuple[tuple[KeyPath, str], ...]]:
    """Return the steps of pydantic's location that are in the config, and the branches of unions that it names."""
    path: list[str | int] = []
    branches = []
    place = tree
    for position, step in enumerate(detail["loc"]):
        if _holds(place, step):
            place = place[step]
            path.append(step)
        elif detail["type"] == "missing" and position == len(detail["loc"]) - 1:
            path.append(step)
        else:
            branches.append((tuple(path), str(step)))
    return tuple(path), tuple(branches)


def _holds(place: Any, step: int | str) -> bool:
    if isinstance(place, list):
        return isinstance(step, int) and step < len(place)
    return isinstance(place, dict) and step in place


def _value_at(tree: Any, path: KeyPath) -> Any:
    for step in path:
        tree = tree[step]
    return tree


def _variant_mistake(path: KeyPath, tree: Any) -> _Mistake:
    """Return the mistake in a section whose variant one of its keys determines, for example ``by``."""
    given = _value_at(tree, path)
    name = _variant_key(accepted_at(Config, path))
    if name is None or not isinstance(given, dict):
        return _Mistake("type", path)
    if name in given:
        return _Mistake("type", (*path, name))
    near = difflib.get_close_matches(name, [key for key in given if isinstance(key, str)], n=1, cutoff=_FAR)
    return _Mistake("unknown", (*path, near[0])) if near else _Mistake("missing", (*path, name))


def _variant_key(accepted: Sequence[Accepted]) -> str | None:
    sections = [one.section for one in accepted if one.section is not None]
    names = (
        name
        for name, field in (sections[0].model_fields.items() if sections else ())
        if get_origin(field.annotation) is Literal and all(name in other.model_fields for other in sections)
    )
    return next(names, None)


def _without_other_branches(mistakes: list[_Mistake], tree: Any) -> list[_Mistake]:
    """Return `mistakes` without mistakes in variants of a section that are less similar to it than another variant."""
    tried: dict[KeyPath, dict[str, type[BaseModel]]] = {}
    for mistake in mistakes:
        for place, name in mistake.branches:
            for accepted in accepted_at(Config, place):
                if accepted.section is not None and accepted.section.__name__ == name:
                    tried.setdefault(place, {})[name] = accepted.section
    meant = {place: _meant(sections, _value_at(tree, place)) for place, sections in tried.items()}
    return [
        mistake
        for mistake in mistakes
        if all(name not in tried.get(place, {}) or name == meant[place] for place, name in mistake.branches)
    ]


def _meant(sections: dict[str, type[BaseModel]], given: Any) -> str:
    """Return the name of the section whose keys are most similar to the `given` keys."""
    keys = [str(key) for key in given] if isinstance(given, dict) else []

    def likeness(name: str) -> float:
        known = sections[name].model_fields
        return sum(max(difflib.SequenceMatcher(None, key, other).ratio() for other in known) for key in keys)

    return max(sections, key=likeness)


def _without_misspelt(mistakes: list[_Mistake]) -> list[_Mistake]:
    """Return `mistakes` without required keys that are present, but misspelled."""
    missing = {mistake.path for mistake in mistakes if mistake.kind == "missing"}
    found = set()
    for mistake in mistakes:
        if mistake.kind == "unknown":
            absent = [str(path[-1]) for path in missing if path[:-1] == mistake.path[:-1]]
            near = difflib.get_close_matches(str(mistake.path[-1]), absent, n=1, cutoff=_FAR)
            found |= {(*mistake.path[:-1], name) for name in near}
    return [mistake for mistake in mistakes if mistake.path not in found]


def _has_deeper(mistakes: list[_Mistake], path: KeyPath) -> bool:
    """Return whether a mistake inside the value at `path` is the reason why the whole value is invalid."""
    if any(mistake.kind == "rule" for mistake in mistakes if mistake.path == path):
        return False
    return any(len(mistake.path) > len(path) and mistake.path[: len(path)] == path for mistake in mistakes)


def _message(mistakes: list[_Mistake], tree: Any) -> str:
    by_kind = {mistake.kind: mistake for mistake in reversed(mistakes)}
    path = mistakes[0].path
    accepted = accepted_at(Config, path)
    if "unknown" in by_kind:
        return _unknown_key(path)
    if "missing" in by_kind:
        words = literals_of(accepted)
        return "this key is required" + (f": one of {', '.join(words)}" if len(words) > 1 else "")
    given = _value_at(tree, path)
    if "rule" in by_kind:
        rule = by_kind["rule"]
        return rule.rule if rule.is_secret else f"{rule.rule}, got {shown(given)}"
    if given is None and accepted and all(one.section is not None for one in accepted):
        return "this section is empty: give it keys, or remove it"
    return f"expected {words_for(accepted)}, got {shown(given)}" + "".join(_advice(accepted, given))


def _unknown_key(path: KeyPath) -> str:
    name, parents = str(path[-1]), path[:-1]
    known = keys_below(Config, parents)
    if name in known:  # another variant of the section has it
        kinds = " or ".join(kinds_with(Config, parents, name))
        return (
            f"this key belongs to by: {kinds}" if kinds else "this key does not go with the other keys here"
        )
    near = difflib.get_close_matches(name, known, n=1, cutoff=_NEAR)
    elsewhere = keys_named(Config, name)
    far = difflib.get_close_matches(name, known, n=1, cutoff=_FAR)
    suggested = near or elsewhere[:1] or far
    return (
        f"unknown key, did you mean {suggested[0]}?"
        if suggested
        else f"unknown key; known here: {', '.join(known)}"
    )


def _advice(accepted: Sequence[Accepted], given: Any) -> Iterator[str]:
    """Yield advice if the `given` value shows the cause of the mistake."""
    if isinstance(given, str):
        near = difflib.get_close_matches(given, literals_of(accepted), n=1)
        if near:
            yield f"; did you mean {near[0]}?"
        elif given.partition(":")[0] in _keys_of(accepted):
            yield "; a space is missing after the colon"
    elif (
        given is not None and not isinstance(given, (list, dict)) and any(one.kind is str for one in accepted)
    ):
        yield "; in quotes it is text"


def _keys_of(accepted: Sequence[Accepted]) -> set[str]:
    """Return the keys of all sections among `accepted`."""
    return {name for one in accepted if one.section is not None for name in one.section.model_fields}
