# ruff: noqa: INP001 - a script, not a package
"""Write the JSON Schema of the config into the package and beside the shipped configs.

    python docs/make_schema.py [FOLDER]

tests/config/test_json_schema.py fails when these files are old.
"""

import json
import sys
from pathlib import Path

from als_cli.config.json_schema import config_schema
from als_cli.config.modeline import SCHEMA_FILE

FILES = (f"als_cli/config/{SCHEMA_FILE}", f"configs/{SCHEMA_FILE}")


def main(folder: Path) -> None:
    """Write the files below `folder`."""
    text = json.dumps(config_schema(), indent=1, ensure_ascii=False) + "\n"
    for name in FILES:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1])
