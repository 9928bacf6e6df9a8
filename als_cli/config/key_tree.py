"""All keys of the config as a tree: each with its description, types, default and example."""

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from als_cli.config.descriptions import describe_keys
from als_cli.config.examples import example_of
from als_cli.config.fields import Section
from als_cli.config.root import Config
from als_cli.config.schema_keys import Accepted, types_in

_INDEX = re.compile(r"\[\d*\]")


@dataclass(frozen=True)
class Key:
    """A key in one section model. If a section has variants, a dotted name can stand for keys of several models."""

    name: str
    """The dotted key, for example ``recommend.rules.pinned.positions``. Entries of lists have no index."""
    shown: str
    """The dotted key with ``[]`` after keys that hold lists of sections."""
    model: type[Section]
    """The section model that has the key."""
    field: FieldInfo

    @functools.cached_property
    def accepted(self) -> tuple[Accepted, ...]:
        """The types that the key accepts."""
        return tuple(types_in(self.field.rebuild_annotation()))

    @property
    def description(self) -> str:
        """The attribute docstring, or the docstring of the section."""
        describe_keys()
        return self.model.model_fields[self.name.rpartition(".")[2]].description or ""

    @property
    def is_required(self) -> bool:
        """Whether the section needs this key, and the key has no word that is its only value."""
        return self.field.is_required() and not self.variant_word

    @property
    def variant_word(self) -> str:
        """The only word that the key accepts, which determines the variant of its section, for example ``time``."""
        kind = self.field.annotation
        return str(get_args(kind)[0]) if get_origin(kind) is Literal and len(get_args(kind)) == 1 else ""

    @property
    def default(self) -> Any:
        """The default as in YAML. None: null, no default, or the default section."""
        value = self.field.default
        if self.field.is_required() or isinstance(value, Section):
            return None
        return list(value) if isinstance(value, tuple) else value

    @property
    def is_default_section(self) -> bool:
        """Whether the default is a section."""
        return isinstance(self.field.default, Section)

    @property
    def sections(self) -> list[type[Section]]:
        """The section models that the key accepts, also as entries of a list."""
        return [section for section, _ in _sections_of(self.accepted)]

    @property
    def example(self) -> Any:
        """An example value as in YAML."""
        return example_of(self.name, self.accepted, self.default)


@functools.cache
def all_keys() -> dict[str, tuple[Key, ...]]:
    """Return the keys of the config by dotted name, in the order of the models. Entries of lists have no index."""
    found: dict[str, list[Key]] = {}
    for key in _keys_below(Config, "", ""):
        found.setdefault(key.name, []).append(key)
    return {name: tuple(keys) for name, keys in found.items()}


def plain_name(text: str) -> str:
    """Return the dotted key in `text` without indexes of list entries: ``a[0].b`` and ``a[].b`` are ``a.b``."""
    return _INDEX.sub("", text.strip())


def keys_in(section: str) -> list[str]:
    """Return the names of the keys directly below `section`; the sections at the top if `section` is empty."""
    prefix = f"{section}." if section else ""
    return [name for name in all_keys() if name.startswith(prefix) and "." not in name.removeprefix(prefix)]


def _keys_below(model: type[Section], prefix: str, shown: str) -> Iterator[Key]:
    for name, field in model.model_fields.items():
        key = Key(f"{prefix}{name}", f"{shown}{name}", model, field)
        yield key
        for section, is_entry in _sections_of(key.accepted):
            yield from _keys_below(section, f"{key.name}.", f"{key.shown}{'[]' if is_entry else ''}.")


def _sections_of(accepted: tuple[Accepted, ...]) -> Iterator[tuple[type[Section], bool]]:
    """Yield the sections of a key, and whether they are entries of a list."""
    for one in accepted:
        if one.section is not None and issubclass(one.section, Section):
            yield one.section, False
        elif one.origin is tuple:
            inner = tuple(types_in(get_args(one.kind)[0]))
            yield from ((section, True) for section, _ in _sections_of(inner))
