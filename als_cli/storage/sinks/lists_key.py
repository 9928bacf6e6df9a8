"""The key of published lists: a hash of all that they depend on."""

import hashlib
from datetime import datetime
from typing import Any

from als_cli.config.recommend import RecommendConfig
from als_cli.ranking.rules.list_rules import ListRules
from als_cli.storage.dataset_files import StoredDataset
from als_cli.storage.manifest import InputFile, stage_key
from als_cli.storage.model_files import StoredModel
from als_cli.storage.sinks.shown import day_of
from als_cli.storage.sinks.target import Target, target_of


def lists_key(
    config: RecommendConfig,
    dataset: StoredDataset,
    model: StoredModel,
    inputs: tuple[InputFile, ...],
    changing: dict[str, Any],
) -> str:
    """Return the hash of the rules, what is `changing` with time, the format, the dataset and its instant, the model and the contents of `inputs`.

    The model's recipe is part of the key: its demand rule changes the lists, but no file of the model. Paths,
    `block_users` and `churn` are not part of the key, because they do not change the lists.
    """
    target = target_of(config.output)
    return stage_key(
        recommend=rules_of(config),
        output=(target.kind, target.format, _form(target)),
        changing=changing,
        as_of=dataset.manifest.as_of,
        dataset=dataset.manifest.content,
        model=model.manifest.content,
        recipe=model.recipe(threads=1).to_json(),
        inputs=[file.sha256 for file in inputs],
    )


def rules_of(config: RecommendConfig) -> dict[str, Any]:
    """Return all keys of section `recommend` that change the lists, without output and paths."""
    rules = config.model_dump(mode="json", exclude={"output": True, "block_users": True, "churn": True})
    for path in config.read_paths():
        _forget(rules, path.split(".")[1:])
    return rules


def changing_with_time(config: RecommendConfig, rules: ListRules | None, instant: datetime) -> dict[str, Any]:
    """Return what lists for `instant` depend on beside files: the items that are available, and the day of `not_shown`.

    `rules` are those of `instant`. They are needed only if items are available at times.
    """
    changing: dict[str, Any] = {}
    if config.items is not None and config.items.available is not None:
        allowed = None if rules is None else rules.allowed
        if allowed is None:
            raise ValueError("the rules of this config have no allowed items")
        changing["available"] = hashlib.sha256(allowed.tobytes()).hexdigest()
    if config.rules.not_shown is not None:
        changing["day"] = day_of(instant)
    return changing


def _forget(values: Any, path: list[str]) -> None:
    """Remove the value at `path`, for example ``["rules", "pinned[0]", "file"]``, from nested `values`."""
    for step in path[:-1]:
        name, _, number = step.rstrip("]").partition("[")
        values = values[name][int(number)] if number else values[name]
    values.pop(path[-1])


def _form(target: Target) -> dict[str, Any]:
    """Return the keys of the output that change the bytes of the lists."""
    if target.kind == "database":
        return {"layout": target.layout}
    return target.output.model_dump(mode="json", exclude={"path", "format", "keep", "database"})


def lists_paths(config: RecommendConfig) -> tuple[str, ...]:
    """Return the paths of all tables that lists depend on, in the order in which they are read."""
    return tuple(config.read_paths().values())
