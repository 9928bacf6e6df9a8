"""The config from its layers, in decreasing precedence: flag, ``--set``, environment, file, default."""

import difflib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from als_cli.config.expected import is_nullable
from als_cli.config.fields import ShellText, is_utf_8, working_folder
from als_cli.config.problems import problems_of
from als_cli.config.root import Config
from als_cli.config.schema_keys import accepted_at
from als_cli.config.yaml_errors import encoding_error
from als_cli.config.yaml_text import KeyPath, parse_value, parse_yaml
from als_cli.errors import ConfigError

ENVIRONMENT_PREFIX = "ALS_"


@dataclass
class _Layers:
    """The merged raw values, and the origin of each."""

    tree: dict[str, Any] = field(default_factory=dict)
    origins: dict[KeyPath, str] = field(default_factory=dict)

    def put(self, dotted: str, value: Any, origin: str) -> None:
        """Set the value at `dotted` (``train.factors``). It replaces the value of a lower layer."""
        if not is_utf_8(f"{dotted}{value}"):
            raise ConfigError(
                f"{origin}: this is not UTF-8 text", hint="check the encoding of the shell or of the script"
            )
        *parents, last = path = tuple(dotted.split("."))
        if not all(path):
            raise ConfigError(
                f"{origin}: {dotted!r} is not a key",
                hint="write keys with dots between their parts, such as train.factors",
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


@dataclass(frozen=True)
class LoadedConfig:
    """A validated config, and the origin of each value."""

    config: Config
    tree: dict[str, Any]
    """The merged raw values: only the keys that a layer sets."""
    origin_of: Callable[[KeyPath], str]
    """Returns where the value at a path of `tree` was written: ``line 3``, ``--set KEY`` or an environment variable."""


def load_config(
    file: Path | None,
    settings: Sequence[str] = (),
    *,
    environment: Mapping[str, str] | None = None,
    flags: Mapping[str, Any] | None = None,
    caller: str = "the command line",
) -> Config:
    """Return the validated config of `file`, overridden by the environment, `settings` (``key=value``) and `flags`.

    Messages name `caller` as the origin of `flags`. Relative paths in the file start at the folder of the file. Paths in
    other layers start at the working folder.

    Raises
    ------
    ConfigError
        A layer has mistakes. The error lists all of them with key and origin, and suggests similar keys and values.
    """
    return load_with_origins(file, settings, environment=environment, flags=flags, caller=caller).config


def load_with_origins(
    file: Path | None,
    settings: Sequence[str] = (),
    *,
    environment: Mapping[str, str] | None = None,
    flags: Mapping[str, Any] | None = None,
    caller: str = "the command line",
) -> LoadedConfig:
    """Return the config of :func:`load_config` with the origin of each value. Raises the same errors."""
    layers = _Layers()
    base = _base_folder(file)
    if file is not None:
        _read_file(file, layers)
    for name, text in sorted((os.environ if environment is None else environment).items()):
        if name.startswith(ENVIRONMENT_PREFIX):
            key = name.removeprefix(ENVIRONMENT_PREFIX).lower().replace("__", ".")
            layers.put(key, _typed_value(key, text, name), name)
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals:
            raise ConfigError(f"--set {setting}: no value given", hint=f"write --set {setting}=VALUE")
        name, origin = key.strip(), f"--set {key.strip()}"
        text = text.lstrip() if key != name else text  # spaces around the equals sign
        layers.put(name, _typed_value(name, text, origin), origin)
    for key, value in (flags or {}).items():
        layers.put(key, value, caller)
    _fill_in_sections(layers.tree)
    try:
        config = Config.model_validate(layers.tree, context={"base": base})
    except ValidationError as wrong:
        raise _config_error(wrong, layers, file) from wrong
    return LoadedConfig(config, layers.tree, layers.origin_of)


def _base_folder(file: Path | None) -> Path:
    """Return the folder at which relative paths in `file` start."""
    if file is None:
        return working_folder()
    return file.parent if file.is_absolute() else (working_folder() / file).parent


def _read_file(file: Path, layers: _Layers) -> None:
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        near = difflib.get_close_matches(file.name, [p.name for p in _siblings(file)], n=1)
        hint = f"did you mean {file.with_name(near[0])}?" if near else "give the config with -c FILE"
        if file.name.startswith("-"):
            hint = f"-c takes the next word as its file, here the option {file}: write -c FILE {file}"
        raise ConfigError(f"config file {file} does not exist", hint=hint) from None
    except IsADirectoryError:
        raise ConfigError(f"config file {file} is a folder", hint="give a file with -c FILE") from None
    except UnicodeDecodeError as other:
        raise encoding_error(other, str(file)) from other
    except OSError as refused:
        said = refused.strerror or "unknown reason"
        raise ConfigError(f"config file {file} cannot be read: {said}", hint="check the file") from refused
    document = parse_yaml(text, str(file))
    if document.tree is None:
        raise ConfigError(f"config file {file} is empty", hint="start from configs/quickstart.yaml")
    if not isinstance(document.tree, dict):
        raise ConfigError(
            f"config file {file} holds no keys",
            hint="write lines such as `workspace: work`, with a space after the colon",
        )
    layers.tree = document.tree
    layers.origins = {path: f"line {line}" for path, line in document.lines.items()}


def _typed_value(key: str, text: str, origin: str) -> Any:
    """Return the value of `text`, which is not from a file, for `key`. Keys that accept text take it unchanged."""
    accepted = accepted_at(Config, key.split("."))
    if not all(one.is_text or one.kind is type(None) for one in accepted):
        return parse_value(text, origin)
    return None if text in ("", "null") and is_nullable(accepted) else text


def _fill_in_sections(tree: dict[str, Any]) -> None:
    # Paths in defaults are validated only if the tree has their section.
    tree.setdefault("embeddings", {})
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
    lines = problems_of(wrong, layers.tree, layers.origin_of)
    source = str(file) if file is not None else "the config"
    hint = "docs/configuration.md describes every key"
    if len(lines) == 1:
        return ConfigError(f"{source}: {lines[0]}", hint=hint)
    return ConfigError(f"{source}: {len(lines)} keys are wrong", problems=lines, hint=hint)
