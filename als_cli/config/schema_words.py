"""Keys of the config and their words, read from the shipped JSON Schema.

The models of the config are not imported: completion in a shell must answer at once.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from als_cli.config.shipped_schema import schema_text

_PATH_PATTERN = r"^[^\u0000]+$"


@dataclass(frozen=True)
class SchemaKey:
    """A key in the schema."""

    name: str
    """The last part of the dotted key."""
    help: str
    """The first sentence of the description."""
    is_section: bool


class SchemaWords:
    """The shipped JSON Schema as a tree of keys."""

    def __init__(self) -> None:
        self._schema = json.loads(schema_text())

    def keys_below(self, parents: list[str], *, in_lists: bool) -> list[SchemaKey]:
        """Return the keys below `parents`, sorted. With `in_lists`, also those of the entries of lists."""
        found: dict[str, SchemaKey] = {}
        for node in self._nodes_at(parents, in_lists=in_lists):
            for name, inner in node.get("properties", {}).items():
                nodes = list(self._branches(inner, in_lists=in_lists))
                is_section = any("properties" in one for one in nodes)
                help_text = inner.get("description") or next(
                    (one.get("description", "") for one in nodes), ""
                )
                found.setdefault(name, SchemaKey(name, help_text.partition(". ")[0], is_section))
        return [found[name] for name in sorted(found)]

    def words_at(self, path: list[str]) -> list[str]:
        """Return words and examples that the key at `path` accepts, as they are written after ``--set KEY=``."""
        words: dict[str, None] = {}
        for node in self._nodes_at(path, in_lists=False):
            kinds = {"boolean": ("true", "false"), "null": ("null",)}.get(node.get("type", ""), ())
            known = [node["const"]] if "const" in node else node.get("enum", [])
            shown = [one for one in node.get("examples", ()) if isinstance(one, (str, int, float))]
            words |= dict.fromkeys(map(str, (*known, *kinds, *(() if self._is_path(node) else shown))))
        return list(words)

    def is_path(self, path: list[str]) -> bool:
        """Return whether the key at `path` accepts the path of a file."""
        return any(map(self._is_path, self._nodes_at(path, in_lists=False)))

    def _is_path(self, node: dict[str, Any]) -> bool:
        return node.get("pattern") == _PATH_PATTERN

    def _nodes_at(self, path: list[str], *, in_lists: bool) -> list[dict[str, Any]]:
        nodes = [self._schema]
        for name in path:
            below = (node["properties"][name] for node in nodes if name in node.get("properties", {}))
            nodes = [branch for inner in below for branch in self._branches(inner, in_lists=in_lists)]
        return nodes

    def _branches(self, node: dict[str, Any], *, in_lists: bool) -> Iterator[dict[str, Any]]:
        """Yield `node`, the definition that it refers to, and the branches of its union."""
        yield node
        if "$ref" in node:
            yield from self._branches(
                self._schema["$defs"][node["$ref"].rpartition("/")[2]], in_lists=in_lists
            )
        for branch in node.get("anyOf", ()):
            yield from self._branches(branch, in_lists=in_lists)
        if in_lists and isinstance(node.get("items"), dict):
            yield from self._branches(node["items"], in_lists=in_lists)
