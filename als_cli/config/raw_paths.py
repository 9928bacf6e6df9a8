"""Single paths of a config, read without the models of the config.

Completion in a shell must answer at once. A mistake in the config gives a wrong path there, and no message.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from als_cli.config.yaml_text import parse_yaml


def raw_path(
    key: str, default: str, file: Path, settings: Sequence[str], environment: Mapping[str, str]
) -> Path:
    """Return the path at the dotted `key` in the layers `settings`, `environment` and `file`, or `default`.

    Relative paths in `file` start at its folder, and those of the other layers at the working folder.

    Raises
    ------
    ConfigError, OSError, ValueError
        `file` cannot be read.
    """
    for setting in reversed(settings):
        name, equals, text = setting.partition("=")
        if equals and name.strip() == key:
            return Path(text).expanduser()
    variable = "ALS_" + key.upper().replace(".", "__")
    if variable in environment:
        return Path(environment[variable]).expanduser()
    value: Any = parse_yaml(file.read_text(encoding="utf-8"), str(file)).tree
    for name in key.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return Path(
        os.path.normpath(file.parent / Path(value if isinstance(value, str) else default).expanduser())
    )
