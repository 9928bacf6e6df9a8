"""One typed config out of its layers: flag, ``--set``, environment, file, default, in falling precedence."""

import difflib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from als_cli.config.fields import ShellText
from als_cli.config.root import Config
from als_cli.config.schema_keys import keys_below
from als_cli.config.yaml_text import KeyPath, parse_value, parse_yaml
from als_cli.errors import ConfigError

ENVIRONMENT_PREFIX = "ALS_"
_VALUE_SHOWN = 200


@dataclass
class _Layers:
    """The merged raw values and where each came from."""

    tree: dict[str, Any] = field(default_factory=dict)
    origins: dict[KeyPath, str] = field(default_factory=dict)

    def put(self, dotted: str, value: Any, origin: str) -> None:
        """Set the value at `dotted` (``train.factors``), replacing what a lower layer said."""
        *parents, last = path = tuple(dotted.split("."))
        if not all(path):
            raise ConfigError(
                f"{origin}: {dotted!r} is not a key", hint="write for example train.factors=128"
            )
        place = self.tree
        for name in parents:
            if not isinstance(place.get(name), dict):
                place[name] = {}
            place = place[name]
        place[last] = _from_shell(value)
        self.origins[path] = origin

    def origin_of(self, path: KeyPath) -> str:
        """Return where the value at `path`, or the nearest key above it, was written."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.origins:
                return self.origins[path[:length]]
        return next((origin for key, origin in self.origins.items() if key[: len(path)] == path), "")


def load_config(
    file: Path | None,
    settings: Sequence[str] = (),
    *,
    environment: Mapping[str, str] | None = None,
    flags: Mapping[str, Any] | None = None,
) -> Config:
    """Return the validated config of `file` with `settings` (``key=value``), environment and flags laid over it.

    Relative paths in the file start at the file's folder; those of the other layers at the working folder.

    Raises
    ------
    ConfigError
        Anything wrong in any layer; all mistakes at once, each with key, place and, where one is near, a suggestion.
    """
    layers = _Layers()
    if file is not None:
        _read_file(file, layers)
    for name, text in sorted((os.environ if environment is None else environment).items()):
        if name.startswith(ENVIRONMENT_PREFIX):
            layers.put(
                name.removeprefix(ENVIRONMENT_PREFIX).lower().replace("__", "."),
                parse_value(text, name),
                name,
            )
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals:
            raise ConfigError(f"--set {setting}: no value given", hint=f"write --set {setting}=VALUE")
        layers.put(key.strip(), parse_value(text, f"--set {key}"), f"--set {key}")
    for key, value in (flags or {}).items():
        layers.put(key, value, "the command line")
    _fill_in_sections(layers.tree)
    base = file.absolute().parent if file is not None else Path.cwd()
    try:
        return Config.model_validate(layers.tree, context={"base": base})
    except ValidationError as wrong:
        raise _config_error(wrong, layers, file) from wrong


def _read_file(file: Path, layers: _Layers) -> None:
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        near = difflib.get_close_matches(file.name, [p.name for p in _siblings(file)], n=1)
        hint = f"did you mean {file.with_name(near[0])}?" if near else "give the config with -c FILE"
        raise ConfigError(f"config file {file} does not exist", hint=hint) from None
    except (OSError, UnicodeDecodeError) as unreadable:
        raise ConfigError(f"config file {file} cannot be read: {unreadable}") from unreadable
    document = parse_yaml(text, str(file))
    if document.tree is None:
        raise ConfigError(f"config file {file} is empty", hint="start from configs/quickstart.yaml")
    if not isinstance(document.tree, dict):
        raise ConfigError(
            f"config file {file} is not a mapping of keys to values",
            hint="start from configs/quickstart.yaml",
        )
    layers.tree = document.tree
    layers.origins = {path: f"line {line}" for path, line in document.lines.items()}


def _fill_in_sections(tree: dict[str, Any]) -> None:
    # Defaults that hold paths are validated only when their section is there.
    recommend = tree.setdefault("recommend", {})
    if isinstance(recommend, dict):
        recommend.setdefault("output", {})


def _siblings(file: Path) -> list[Path]:
    try:
        return sorted(file.parent.glob("*.y*ml"))
    except OSError:
        return []


def _from_shell(value: Any) -> Any:
    if isinstance(value, str):
        return ShellText(value)
    if isinstance(value, list):
        return [_from_shell(entry) for entry in value]
    if isinstance(value, dict):
        return {key: _from_shell(entry) for key, entry in value.items()}
    return value


def _config_error(wrong: ValidationError, layers: _Layers, file: Path | None) -> ConfigError:
    problems: dict[str, list[str]] = {}
    for detail in wrong.errors(include_url=False):
        path = _real_path(detail["loc"], layers.tree, detail["type"])
        origin = layers.origin_of(path)
        where = ".".join(map(str, path)) + (f" ({origin})" if origin else "")
        said = _message(detail, path)
        if said not in problems.setdefault(where, []):
            problems[where].append(said)
    lines = [f"{where}: {' · or '.join(said)}" for where, said in problems.items()]
    source = str(file) if file is not None else "the config"
    if len(lines) == 1:
        return ConfigError(f"{source}: {lines[0]}", hint="docs/configuration.md describes every key")
    return ConfigError(
        f"{source}: {len(lines)} keys are wrong",
        problems=lines,
        hint="docs/configuration.md describes every key",
    )


def _real_path(loc: tuple[int | str, ...], tree: Any, kind: str) -> KeyPath:
    """Return the part of pydantic's `loc` that exists in the config: union branches are left out."""
    path: list[str | int] = []
    place = tree
    for position, step in enumerate(loc):
        known = (isinstance(place, dict) and step in place) or (
            isinstance(place, list) and isinstance(step, int) and step < len(place)
        )
        if known:
            place = place[step]
            path.append(step)
        elif kind == "missing" and position == len(loc) - 1:
            path.append(step)
    return tuple(path)


def _message(detail: ErrorDetails, path: KeyPath) -> str:
    if detail["type"] == "extra_forbidden":
        names = keys_below(Config, [step for step in path[:-1] if isinstance(step, str)])
        near = difflib.get_close_matches(str(path[-1]), names, n=1, cutoff=0.5)
        return "unknown key" + (f", did you mean {near[0]}?" if near else f", known here: {', '.join(names)}")
    if detail["type"] == "missing":
        return "this key is required"
    text = detail["msg"].removeprefix("Value error, ")
    given = detail.get("input")
    if not isinstance(given, (str, int, float, bool)):
        return text[0].lower() + text[1:]
    plain = str(given) if isinstance(given, ShellText) else given
    return f"{text[0].lower()}{text[1:]}, got {_shortened(repr(plain))}"


def _shortened(shown: str) -> str:
    return shown if len(shown) <= _VALUE_SHOWN else f"{shown[: _VALUE_SHOWN - 1]}…"
