"""The key of published lists: a hash of all that they depend on."""

from typing import Any

from als_cli.config.recommend import RecommendConfig, UsersFile
from als_cli.storage.dataset_files import Dataset
from als_cli.storage.manifest import InputFile, stage_key
from als_cli.storage.model_files import Model
from als_cli.storage.sinks.target import Target, target_of


def lists_key(config: RecommendConfig, dataset: Dataset, model: Model, inputs: tuple[InputFile, ...]) -> str:
    """Return the hash of the rules, the format, the dataset and its instant, the model and the contents of `inputs`.

    The model's recipe is part of the key: its demand rule changes the lists, but no file of the model. Paths and
    `block_users` are not part of the key, because they do not change the lists.
    """
    target = target_of(config.output)
    rules = config.model_dump(mode="json", exclude={"output": True, "block_users": True})
    for section, path in (("users", "file"), ("items", "catalog")):
        if isinstance(rules[section], dict):
            rules[section].pop(path, None)
    return stage_key(
        recommend=rules,
        output=(target.kind, target.format, _form(target)),
        as_of=dataset.manifest.as_of,
        dataset=dataset.manifest.content,
        model=model.manifest.content,
        recipe=model.recipe(threads=1).to_json(),
        inputs=[file.sha256 for file in inputs],
    )


def _form(target: Target) -> dict[str, Any]:
    """Return the keys of the output that change the bytes of the lists."""
    if target.kind == "database":
        return {"layout": target.layout}
    return target.output.model_dump(mode="json", exclude={"path", "format", "keep", "database"})


def lists_paths(config: RecommendConfig) -> tuple[str, ...]:
    """Return the paths of the users file and the catalogue, in the order in which they are read."""
    users = [config.users.file] if isinstance(config.users, UsersFile) else []
    return (*users, *([] if config.items is None else [config.items.catalog]))
