"""The keys that the config's models know, for suggestions and for the reference."""

from collections.abc import Iterator, Sequence
from typing import Any, get_args

from pydantic import BaseModel


def keys_below(model: type[BaseModel], parents: Sequence[str]) -> list[str]:
    """Return the names of all keys that may stand below `parents`, sorted; unions contribute all their branches."""
    models = {model}
    for name in parents:
        fields = (branch.model_fields.get(name) for branch in models)
        models = {found for field in fields if field is not None for found in _models_in(field.annotation)}
    return sorted({name for branch in models for name in branch.model_fields})


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)
