"""The keys that the config's models know, for suggestions and for the reference."""

from collections.abc import Iterator, Sequence
from typing import Any, get_args

from pydantic import BaseModel


def keys_below(model: type[BaseModel], parents: Sequence[str]) -> list[str]:
    """Return the names of all keys that may stand below `parents`, sorted; unions contribute all their branches."""
    return sorted({name for branch in _models_at(model, parents) for name in branch.model_fields})


def kinds_with(model: type[BaseModel], parents: Sequence[str], key: str) -> list[str]:
    """Return the values of `by` that pick the variants of the section at `parents` which have `key`, sorted."""
    fields = (one.model_fields for one in _models_at(model, parents))
    return sorted(get_args(have["by"].annotation)[0] for have in fields if key in have and "by" in have)


def _models_at(model: type[BaseModel], parents: Sequence[str]) -> set[type[BaseModel]]:
    models = {model}
    for name in parents:
        fields = (branch.model_fields.get(name) for branch in models)
        models = {found for field in fields if field is not None for found in _models_in(field.annotation)}
    return models


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)
