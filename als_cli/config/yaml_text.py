"""YAML as people expect it: repeated keys are errors, 1e-2 is a number, `no` is a word, every value has a line."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import yaml

from als_cli.errors import ConfigError

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True)
class Document:
    """A parsed YAML document."""

    tree: Any
    lines: dict[KeyPath, int]
    """Line (from 1) of each key and list entry."""


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
    """Safe dumper that quotes every text which either version of YAML would read as something else."""


_Dumper.yaml_implicit_resolvers = {
    first: [
        *yaml.SafeDumper.yaml_implicit_resolvers.get(first, []),
        *_Loader.yaml_implicit_resolvers.get(first, []),
    ]
    for first in {*yaml.SafeDumper.yaml_implicit_resolvers, *_Loader.yaml_implicit_resolvers}
}


def _construct_int(loader: _Loader, node: yaml.ScalarNode) -> int:
    return int(str(loader.construct_scalar(node)))  # decimal even with leading zeros, as YAML 1.2 has it


_Loader.add_constructor("tag:yaml.org,2002:int", _construct_int)


def parse_yaml(text: str, origin: str) -> Document:
    """Return the document in `text`; `origin` (a file name, a flag) stands in error messages.

    Raises
    ------
    ConfigError
        Not YAML, a tab as indentation, or a repeated key; the message names the line.
    """
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        lines: dict[KeyPath, int] = {}
        if node is not None:
            _record_lines(node, (), lines, origin)
        return Document(loader.construct_document(node) if node is not None else None, lines)
    except yaml.MarkedYAMLError as broken:
        raise _syntax_error(broken, text, origin) from broken
    except (yaml.YAMLError, ValueError) as broken:
        raise ConfigError(f"{origin} is not YAML: {' '.join(str(broken).split())}") from broken
    finally:
        loader.dispose()


def parse_value(text: str, origin: str) -> Any:
    """Return the value that `text` means in YAML: ``256`` a number, ``[a, b]`` a list, other words a text."""
    if text.strip() == "-":
        return "-"  # stdin or stdout, not a list with nothing in it
    value = parse_yaml(text, origin).tree
    return text if isinstance(value, datetime) else value


def write_yaml(tree: dict[str, Any]) -> str:
    """Return `tree` (JSON-like values) as YAML that :func:`parse_yaml` reads back the same."""
    text: str = yaml.dump(tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    return text


def _record_lines(node: yaml.Node, path: KeyPath, lines: dict[KeyPath, int], origin: str) -> None:
    if isinstance(node, yaml.MappingNode):
        for key_node, value_node in node.value:
            key = (*path, str(key_node.value))
            line = key_node.start_mark.line + 1
            if key in lines:
                raise ConfigError(
                    f"{origin}, line {line}: key {'.'.join(map(str, key))} is repeated (first on line {lines[key]})",
                    hint="keep one of the two",
                )
            lines[key] = line
            _record_lines(value_node, key, lines, origin)
    elif isinstance(node, yaml.SequenceNode):
        for position, entry in enumerate(node.value):
            lines[(*path, position)] = entry.start_mark.line + 1
            _record_lines(entry, (*path, position), lines, origin)


def _syntax_error(broken: yaml.MarkedYAMLError, text: str, origin: str) -> ConfigError:
    mark = broken.problem_mark or broken.context_mark
    line = mark.line + 1 if mark else 1
    content = (text.splitlines() or [""])[min(line, len(text.splitlines()) or 1) - 1]
    if "\t" in content and "\\t" in (broken.problem or ""):
        return ConfigError(f"{origin}, line {line}: a tab where YAML wants spaces", hint="indent with spaces")
    return ConfigError(
        f"{origin}, line {line}: not YAML: {broken.problem or broken.context}",
        hint="check indentation, quotes and brackets near that line",
    )
