"""A config as YAML text that does not depend on the folder of its file."""

from als_cli.config.modeline import SCHEMA_MODELINE
from als_cli.config.root import Config
from als_cli.config.yaml_text import write_yaml


def config_text(config: Config, comment: str = "") -> str:
    """Return `config` as YAML that loads as an equal config: only the keys that were set, with absolute paths.

    The first line names the JSON Schema for editors. `comment` is written above the keys. Comments of the file that `config` was loaded from are not kept.
    """
    tree = config.model_dump(mode="json", exclude_unset=True)
    # Default paths would otherwise start at the folder of the new file.
    tree["workspace"] = config.workspace
    tree.setdefault("embeddings", {})["path"] = config.embeddings.path
    output = tree.setdefault("recommend", {}).setdefault("output", {})
    if config.recommend.output.database is None:
        output["path"] = config.recommend.output.path
    head = f"{SCHEMA_MODELINE}\n" + "".join(f"# {line}\n" for line in comment.splitlines())
    return head + write_yaml(tree)
