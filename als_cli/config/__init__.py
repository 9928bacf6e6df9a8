"""The YAML config as frozen pydantic models, one file per section."""
