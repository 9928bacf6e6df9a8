"""The keys of the config, and the types that each key accepts."""

import types
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo


@dataclass(frozen=True)
class Accepted:
    """One of the types that a key accepts."""

    kind: Any
    """A plain type such as int or a section, or a Literal, tuple or dict with its parameters."""
    metadata: tuple[Any, ...] = ()
    """Bounds, lengths and other constraints."""

    @property
    def origin(self) -> Any:
        """The kind without its parameters."""
        return get_origin(self.kind) or self.kind

    @property
    def section(self) -> type[BaseModel] | None:
        """The type if it is a section model, else None."""
        return self.kind if isinstance(self.kind, type) and issubclass(self.kind, BaseModel) else None

    @property
    def is_text(self) -> bool:
        """Whether every value of this type is written as text."""
        if self.origin is Literal:
            return all(isinstance(word, str) for word in get_args(self.kind))
        return self.kind in (str, timedelta, datetime)


def accepted_at(model: type[BaseModel], path: Sequence[str | int]) -> list[Accepted]:
    """Return all types that the key at `path` below `model` accepts. The list is empty if the key does not exist."""
    found = [Accepted(model)]
    for step in path:
        found = [inner for outer in found for inner in _step_into(outer, step)]
    return found


def keys_below(model: type[BaseModel], parents: Sequence[str | int]) -> list[str]:
    """Return the names of all keys that are allowed below `parents`, in any branch of a union, sorted."""
    sections = (accepted.section for accepted in accepted_at(model, parents))
    return sorted({name for section in sections if section is not None for name in section.model_fields})


def kinds_with(model: type[BaseModel], parents: Sequence[str | int], key: str) -> list[str]:
    """Return the values of `by` for which the section at `parents` has `key`, sorted."""
    sections = (accepted.section for accepted in accepted_at(model, parents))
    fields = (section.model_fields for section in sections if section is not None)
    return sorted(get_args(have["by"].annotation)[0] for have in fields if key in have and "by" in have)


def keys_named(model: type[BaseModel], name: str, prefix: str = "") -> list[str]:
    """Return the dotted keys below `model` whose last part is `name`."""
    found = []
    for key, field in model.model_fields.items():
        dotted = f"{prefix}{key}"
        if key == name:
            found.append(dotted)
        for accepted in types_in(field.rebuild_annotation()):
            if accepted.section is not None:
                found += keys_named(accepted.section, name, f"{dotted}.")
    return list(dict.fromkeys(found))


def types_in(annotation: Any, metadata: tuple[Any, ...] = ()) -> Iterator[Accepted]:
    """Yield the types that `annotation` allows: the branches of unions, each with its constraints."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *more = get_args(annotation)
        flat = (one.metadata if isinstance(one, FieldInfo) else [one] for one in more)
        yield from types_in(inner, (*metadata, *(one for group in flat for one in group)))
    elif origin in (Union, types.UnionType):
        for part in get_args(annotation):
            yield from types_in(part, metadata)
    else:
        yield Accepted(annotation, metadata)


def _step_into(accepted: Accepted, step: str | int) -> Iterator[Accepted]:
    if accepted.section is not None and step in accepted.section.model_fields:
        yield from types_in(accepted.section.model_fields[str(step)].rebuild_annotation())
    elif accepted.origin is tuple and isinstance(step, int):
        yield from types_in(get_args(accepted.kind)[0])
    elif accepted.origin is dict and isinstance(step, str):
        yield from types_in(get_args(accepted.kind)[1])
