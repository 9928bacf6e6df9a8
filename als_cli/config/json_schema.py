"""The JSON Schema of the config file (draft 2020-12), made from the section models.

The schema accepts every file that the loader accepts. It does not know rules that concern several keys, the language of
conditions, or the maximum of durations.
"""

from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from als_cli.config.descriptions import describe_keys
from als_cli.config.evaluate import KIND_OF_KEY
from als_cli.config.key_tree import Key, all_keys
from als_cli.config.root import Config

_SPLITS = {kind: key for key, kind in KIND_OF_KEY.items()}
"""The key that tells the kind of a split without `by`."""


def config_schema() -> dict[str, Any]:
    """Return the JSON Schema of the config file, with descriptions, defaults and examples."""
    describe_keys()
    raw = Config.model_json_schema(schema_generator=GenerateJsonSchema)
    definitions = {name: _cleaned(one) for name, one in raw.pop("$defs").items()}
    schema: dict[str, Any] = _cleaned(raw)
    _let_splits_omit_by(definitions)
    for keys in all_keys().values():
        for key in keys:
            owner = schema if key.model is Config else definitions[key.model.__name__]
            _add_example(owner["properties"][key.name.rpartition(".")[2]], key)
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The config of als-cli",
    }
    return head | schema | {"$defs": definitions}


def _cleaned(schema: Any) -> Any:
    """Return `schema` without titles, which repeat the keys, and without defaults of sections."""
    if isinstance(schema, list):
        return [_cleaned(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {
        name: {key: _cleaned(one) for key, one in value.items()} if name == "properties" else _cleaned(value)
        for name, value in schema.items()
        if name not in ("title", "discriminator")
        and not (name == "default" and isinstance(value, dict) and value)
    }
    if "oneOf" in kept:  # of a discriminator, which draft 2020-12 does not have
        kept["anyOf"] = kept.pop("oneOf")
    return kept


def _let_splits_omit_by(definitions: dict[str, Any]) -> None:
    """Require `by` of a split only if no other key tells the kind of the split."""
    for split in definitions.values():
        kind = split["properties"].get("by", {}).get("const")
        if kind == "file":
            split["required"] = ["path"]
        elif kind in _SPLITS:
            split.pop("required", None)
            split["anyOf"] = [{"required": ["by"]}, {"required": [_SPLITS[kind]]}]


def _add_example(shown: dict[str, Any], key: Key) -> None:
    if key.example not in (None, key.default) and "examples" not in shown:
        shown["examples"] = [key.example]
