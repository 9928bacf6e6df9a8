"""The resolved config: each key with its value and the origin of the value, as YAML that loads as an equal config."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from als_cli.config.fields import Section
from als_cli.config.loading import LoadedConfig, load_with_origins
from als_cli.config.output import OutputConfig
from als_cli.config.source import TableFormat
from als_cli.config.yaml_text import KeyPath, write_value
from als_cli.errors import one_line
from als_cli.reports import Report

DEFAULT = "default"
_DERIVED = "from the other keys"
_COMMENT_COLUMN = 60
"""Comments begin in this column at most. Longer lines have theirs after two spaces."""
_HIDDEN = "***"
_SECRET = re.compile(
    r"(?P<before>://[^/@:\s]*:)(?P<user_info>[^/@\s]+)(?=@)"
    r"|(?P<name>[?&;][^=&;]*(?:password|passwd|pwd|secret|token|key|signature|sig|credential)[^=&;]*=)(?P<value>[^&;\s]+)",
    re.IGNORECASE,
)
_VARIABLES = re.compile(r"(?:\$\{\w+\})+")


class ConfigValue(Report):
    """The value of one key."""

    key: str
    """The dotted key, for example ``events.source[0].path``."""
    value: Any
    origin: str
    """File and line, ``--set``, an option, an environment variable, another key that it follows, or ``default``."""


class ConfigReport(Report):
    """All keys of a resolved config."""

    values: tuple[ConfigValue, ...]


@dataclass(frozen=True)
class ResolvedLine:
    """A line of the resolved config as YAML: a key with a value, or the head of a section or list."""

    path: KeyPath
    text: str
    """YAML with indentation."""
    value: Any = None
    origin: str = ""
    """Empty for the head of a section or list."""


def resolved_lines(
    file: Path,
    settings: Sequence[str] = (),
    *,
    environment: Mapping[str, str] | None = None,
    flags: Mapping[str, Any] | None = None,
) -> list[ResolvedLine]:
    """Return the lines of the config that :func:`als_cli.config.loading.load_config` loads from the same layers.

    Secrets in URIs are hidden. A default whose key must be absent to have its effect is a comment: the keys of a table's
    format, and those of section `recommend.output`.

    Raises
    ------
    ConfigError
        The config has mistakes.
    """
    loaded = load_with_origins(file, settings, environment=environment, flags=flags)
    return list(_ResolvedConfig(loaded, str(file)).lines_of(loaded.config, (), ""))


def report_of(lines: Sequence[ResolvedLine]) -> ConfigReport:
    """Return the values in `lines`."""
    values = (
        ConfigValue(key=_dotted(line.path), value=line.value, origin=line.origin)
        for line in lines
        if line.origin
    )
    return ConfigReport(values=tuple(values))


def resolved_text(lines: Sequence[ResolvedLine], file: Path) -> str:
    """Return `lines` as YAML, with the origins as aligned comments. A comment names `file` once; `:5` is its line 5."""
    in_file = f"{one_line(str(file))}:"
    lines = [
        replace(line, origin=re.sub(f"^{re.escape(in_file)}(?=[0-9]+$)", ":", line.origin)) for line in lines
    ]
    fitting = [len(line.text) for line in lines if line.origin and len(line.text) <= _COMMENT_COLUMN - 2]
    column = max(fitting, default=0) + 2
    head = f"# :5 means line 5 of {in_file.removesuffix(':')}\n"
    return head + "".join(
        (f"{line.text.ljust(column - 2)}  # {line.origin}" if line.origin else line.text) + "\n"
        for line in lines
    )


def without_secrets(value: Any) -> Any:
    """Return `value` with `***` instead of passwords, tokens and keys in URIs. Names of variables stay."""
    if isinstance(value, list):
        return [without_secrets(entry) for entry in value]
    return _SECRET.sub(_without_secret, value) if isinstance(value, str) else value


def _without_secret(found: re.Match[str]) -> str:
    if _VARIABLES.fullmatch(found["user_info"] or found["value"]):
        return found[0]
    return (found["before"] or found["name"]) + _HIDDEN


@dataclass(frozen=True)
class _ResolvedConfig:
    """Walks over a config, and finds the origin of each value."""

    loaded: LoadedConfig
    file: str

    def lines_of(self, section: Section, path: KeyPath, indent: str) -> Iterator[ResolvedLine]:
        """Yield the lines of `section`. Keys that are comments come last."""
        fields = type(section).model_fields
        comments = [name for name in fields if _must_be_absent(section, name)]
        dumped = section.model_dump(mode="json")
        for name in sorted(fields, key=comments.__contains__):
            lines = self._lines_at(getattr(section, name), dumped[name], (*path, name), indent)
            if name not in comments:
                yield from lines
            elif path[:2] == ("events", "source"):
                yield _as_comment(self._inherited(name, (*path, name), indent), indent)
            else:
                yield from (_as_comment(line, indent) for line in lines)

    def _inherited(self, name: str, path: KeyPath, indent: str) -> ResolvedLine:
        """Return the line of a key that a source takes from section `events`."""
        value = getattr(self.loaded.config.events, name)
        return ResolvedLine(path, f"{indent}{name}: {write_value(value)}", value, f"events.{name}")

    def _lines_at(self, value: Any, dumped: Any, path: KeyPath, indent: str) -> Iterator[ResolvedLine]:
        head = f"{indent}{write_value(path[-1])}:"
        if isinstance(value, Section):
            yield ResolvedLine(path, head)
            yield from self.lines_of(value, path, f"{indent}  ")
        elif isinstance(value, dict) and value:
            yield ResolvedLine(path, head)
            for name, inner in dumped.items():
                yield self._leaf((*path, name), f"{indent}  {write_value(name)}: ", inner)
        elif isinstance(value, tuple) and any(isinstance(entry, Section) for entry in value):
            yield ResolvedLine(path, head)
            for number, entry in enumerate(value):
                yield from self._entry(entry, dumped[number], (*path, number), f"{indent}  ")
        else:
            yield self._leaf(path, f"{head} ", dumped)

    def _entry(self, entry: Any, dumped: Any, path: KeyPath, indent: str) -> Iterator[ResolvedLine]:
        if not isinstance(entry, Section):
            yield self._leaf(path, f"{indent}- ", dumped)
            return
        first, *others = self.lines_of(entry, path, f"{indent}  ")
        yield replace(first, text=f"{indent}- {first.text.lstrip()}")
        yield from others

    def _leaf(self, path: KeyPath, head: str, dumped: Any) -> ResolvedLine:
        shown = without_secrets(dumped)
        return ResolvedLine(path, f"{head}{write_value(shown)}", shown, one_line(self._origin(path)))

    def _origin(self, path: KeyPath) -> str:
        place: Any = self.loaded.tree
        for step in path:
            is_there = step in place if isinstance(place, dict) else isinstance(place, list)
            if not is_there:
                # The kind of a split is the only value that follows from others.
                return _DERIVED if path[-1] == "by" and isinstance(place, dict) and place else DEFAULT
            place = place[step]
        origin = self.loaded.origin_of(path)
        if origin.startswith("line "):
            return f"{self.file}:{origin.removeprefix('line ')}"
        if origin == "the command line":
            return f"--{path[-1]}"
        return "--set" if origin.startswith("--set ") else origin


def _must_be_absent(section: Section, name: str) -> bool:
    """Return whether the default of key `name` has its effect only if the key is absent."""
    if name in section.model_fields_set:
        return False
    if isinstance(section, OutputConfig):
        return name != "path" or section.database is not None
    return isinstance(section, TableFormat) and name in TableFormat.model_fields


def _as_comment(line: ResolvedLine, indent: str) -> ResolvedLine:
    return replace(line, text=f"{indent}# {line.text.removeprefix(indent)}")


def _dotted(path: KeyPath) -> str:
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".")
