"""A config as a YAML file that can stand in any folder."""

from als_cli.config.root import Config
from als_cli.config.yaml_text import write_yaml


def config_text(config: Config, comment: str = "") -> str:
    """Return `config` as YAML that loads back to an equal one: what differs from the defaults, all paths absolute.

    `comment` stands above it. Comments of the file that it was loaded from are not kept.
    """
    tree = config.model_dump(mode="json", exclude_unset=True)
    # Defaults that are paths would start at the new file's folder.
    tree["workspace"] = config.workspace
    tree.setdefault("recommend", {}).setdefault("output", {})["path"] = config.recommend.output.path
    head = "".join(f"# {line}\n" for line in comment.splitlines())
    return head + write_yaml(tree)
