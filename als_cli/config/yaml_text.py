"""YAML with the scalars of version 1.2: 1e-2 is a number, `no` is text. Repeated keys are errors."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import yaml
from yaml.reader import ReaderError

from als_cli.config.yaml_errors import YamlText, character_error, syntax_error

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True)
class Document:
    """A parsed YAML document."""

    tree: Any
    lines: dict[KeyPath, int]
    """Line (from 1) of each key and list entry."""


_MERGE = "tag:yaml.org,2002:merge"


class _Loader(yaml.SafeLoader):
    """Safe loader with the scalars of YAML 1.2."""


_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag not in ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:float", "tag:yaml.org,2002:int")
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"), list("tTfF")
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"[-+]?[0-9]+\Z"), list("-+0123456789"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z|[-+]?\.(?:inf|Inf|INF)\Z|\.(?:nan|NaN|NAN)\Z"
    ),
    list("-+.0123456789"),
)


class _Dumper(yaml.SafeDumper):
    """Safe dumper that quotes each text that YAML 1.1 or 1.2 would read as another type."""


_Dumper.yaml_implicit_resolvers = {
    first: [
        *yaml.SafeDumper.yaml_implicit_resolvers.get(first, []),
        *_Loader.yaml_implicit_resolvers.get(first, []),
    ]
    for first in {*yaml.SafeDumper.yaml_implicit_resolvers, *_Loader.yaml_implicit_resolvers}
}


_LINE_ENDS = re.compile("[\n\r\x85\u2028\u2029]")
_DIRECTIONS = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Overrides of the direction of text."""


def _text_node(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    """Return the node of `text`. Only the style with double quotes can have escapes."""
    style = '"' if _LINE_ENDS.search(text) or _DIRECTIONS.search(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text_node)


def _or_text(construct: Callable[[Any, Any], Any]) -> Callable[[_Loader, yaml.ScalarNode], Any]:
    """Return `construct`, which then returns the plain text if that only looks like a number or a date."""

    def construct_or_text(loader: _Loader, node: yaml.ScalarNode) -> Any:
        try:
            return construct(loader, node)
        except (ValueError, KeyError, AttributeError, OverflowError):
            return str(node.value)

    return construct_or_text


def _construct_int(loader: _Loader, node: yaml.ScalarNode) -> int:
    return int(str(loader.construct_scalar(node)))  # decimal even with leading zeros, as in YAML 1.2


_TYPES = {
    "int": _construct_int,
    "float": yaml.SafeLoader.construct_yaml_float,
    "bool": yaml.SafeLoader.construct_yaml_bool,
    "timestamp": yaml.SafeLoader.construct_yaml_timestamp,
}
for _name, _construct in _TYPES.items():
    _Loader.add_constructor(f"tag:yaml.org,2002:{_name}", _or_text(_construct))


def parse_yaml(text: str, origin: str) -> Document:
    """Return the document in `text`. Error messages name the file `origin`.

    Raises
    ------
    ConfigError
        `text` is not YAML, a key is repeated, or a value contains itself. The message names the line.
    """
    return _parse(YamlText(text, origin))


def parse_value(text: str, origin: str) -> Any:
    """Return the YAML value of `text`: ``256`` is a number, ``[a, b]`` a list, other words are text."""
    if text.strip() == "-":
        return "-"  # stdin or stdout, not a list with an empty entry
    value = _parse(YamlText(text, origin, is_file=False)).tree
    return text if isinstance(value, datetime) else value


def write_yaml(tree: dict[str, Any]) -> str:
    """Return `tree` (JSON-like values) as YAML. :func:`parse_yaml` reads it back unchanged."""
    text: str = yaml.dump(tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    return text


def write_value(value: Any) -> str:
    """Return `value` (JSON-like) as YAML on one line. :func:`parse_value` and :func:`parse_yaml` read it unchanged."""
    style = '"' if isinstance(value, str) and not value.isprintable() else None
    text: str = yaml.dump(
        value,
        Dumper=_Dumper,
        default_style=style,
        default_flow_style=True,
        allow_unicode=True,
        sort_keys=False,
        width=float("inf"),
    )
    shown = text.removesuffix("\n").removesuffix("\n...")
    return _DIRECTIONS.sub(lambda found: f"\\u{ord(found[0]):04x}", shown)


def _parse(source: YamlText) -> Document:
    try:
        loader = _Loader(source.text)
    except ReaderError as broken:
        raise character_error(broken, source) from broken
    try:
        node = loader.get_single_node()
        lines: dict[KeyPath, int] = {}
        if node is not None:
            _record_lines(node, (), lines, _Walk(source))
        return Document(loader.construct_document(node) if node is not None else None, lines)
    except yaml.MarkedYAMLError as broken:
        raise syntax_error(broken, source) from broken
    except RecursionError as deep:
        raise source.error(None, "lists or sections are nested too deeply", "check the brackets") from deep
    finally:
        loader.dispose()


@dataclass(frozen=True)
class _Walk:
    """The position of a walk over a document: its source, and the nodes around the current node."""

    source: YamlText
    around: tuple[yaml.Node, ...] = ()

    def into(self, node: yaml.Node) -> "_Walk":
        if any(node is outer for outer in self.around):
            line = node.start_mark.line + 1
            raise self.source.error(line, "this value contains itself", "write the value out")
        return _Walk(self.source, (*self.around, node))


def _record_lines(node: yaml.Node, path: KeyPath, lines: dict[KeyPath, int], walk: _Walk) -> None:
    if isinstance(node, yaml.MappingNode):
        inside = walk.into(node)
        for key_node, value_node in node.value:
            key = (*path, str(key_node.value))
            line = key_node.start_mark.line + 1
            if key in lines:
                said = f"key {'.'.join(map(str, key))} is repeated (first on line {lines[key]})"
                raise walk.source.error(line, said, "keep one of the two")
            lines[key] = line
            if isinstance(key_node, yaml.ScalarNode) and key_node.tag != _MERGE:
                key_node.tag = "tag:yaml.org,2002:str"  # keys are text, even if they look like numbers
            _record_lines(value_node, key, lines, inside)
    elif isinstance(node, yaml.SequenceNode):
        inside = walk.into(node)
        for position, entry in enumerate(node.value):
            lines[(*path, position)] = entry.start_mark.line + 1
            _record_lines(entry, (*path, position), lines, inside)
