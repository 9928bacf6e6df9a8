"""The first line of a config that tells editors its JSON Schema."""

SCHEMA_MODELINE = "# yaml-language-server: $schema=als-config.schema.json"
