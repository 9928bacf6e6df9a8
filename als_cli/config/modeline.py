"""The first line of each config that als-cli ships or writes, for editors."""

SCHEMA_FILE = "als-config.schema.json"
"""Name of the JSON Schema beside a config. ``als schema --output als-config.schema.json`` writes it."""
SCHEMA_MODELINE = f"# yaml-language-server: $schema={SCHEMA_FILE}"
"""A comment that names the JSON Schema of the file. Editors look for the schema in the folder of the config."""
