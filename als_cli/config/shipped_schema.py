"""The JSON Schema of the config that the package contains, without the models that it was made from."""

from importlib.resources import files

from als_cli.config.modeline import SCHEMA_FILE


def schema_text() -> str:
    """Return the JSON Schema of the config file as text."""
    return files("als_cli.config").joinpath(SCHEMA_FILE).read_text(encoding="utf-8")
