"""Every config that a test of this folder loads is also checked with the JSON Schema."""

import json
from datetime import date
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from als_cli.config import loading
from als_cli.config.loading import LoadedConfig
from als_cli.config.shipped_schema import schema_text

VALIDATOR = Draft202012Validator(json.loads(schema_text()))


def as_json(value: Any) -> Any:
    """Return `value` of a YAML file with dates as text, which editors read them as."""
    if isinstance(value, dict):
        return {str(key): as_json(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [as_json(inner) for inner in value]
    return value.isoformat() if isinstance(value, date) else value


@pytest.fixture(autouse=True, scope="module")
def _every_loaded_config_is_valid():
    load = loading.load_with_origins

    def load_and_validate(*arguments: Any, **options: Any) -> LoadedConfig:
        loaded = load(*arguments, **options)
        assert [error.message for error in VALIDATOR.iter_errors(as_json(loaded.tree))] == []
        return loaded

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, "load_with_origins", load_and_validate)
        yield
