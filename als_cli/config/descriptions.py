"""Descriptions of the keys, from the attribute docstrings of the section models.

pydantic can read these docstrings when a model is made. This parses every module of the config, in each run of each command.
Only the schema, the reference and `als explain` need descriptions, so they are read when those ask for them.
"""

import ast
import functools
import inspect
import sys
from collections.abc import Iterator

from als_cli.config import root  # noqa: F401 - defines all sections
from als_cli.config.fields import Section


@functools.cache
def describe_keys() -> None:
    """Set the description of every field of every section. Call it before descriptions or the JSON Schema are used."""
    sections = sorted(_sections(Section), key=_order)
    for section in sections:
        texts: dict[str, str] = {}
        for base in reversed(section.__mro__):
            if issubclass(base, Section):
                texts |= _texts_in(base.__module__).get(base.__name__, {})
        for name, field in section.model_fields.items():
            field.description = texts.get(name)
    for section in sections:
        section.model_rebuild(force=True)


def _sections(section: type[Section]) -> Iterator[type[Section]]:
    for below in section.__subclasses__():
        yield below
        yield from _sections(below)


def _order(section: type[Section]) -> tuple[int, int]:
    """Return the place of a section in the order of definition: sections come after the sections in them."""
    module = section.__module__
    return list(sys.modules).index(module), list(_texts_in(module)).index(section.__name__)


@functools.cache
def _texts_in(module: str) -> dict[str, dict[str, str]]:
    """Return the docstring of each attribute of each class in `module`."""
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {node.name: dict(_texts_of(node)) for node in tree.body if isinstance(node, ast.ClassDef)}


def _texts_of(section: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for statement, after in zip(section.body, section.body[1:], strict=False):
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
            continue
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            yield statement.target.id, inspect.cleandoc(str(after.value.value))
