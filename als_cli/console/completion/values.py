"""Values of options and arguments, by the name or the metavar of the parameter."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from als_cli.console.completion.candidates import Candidate, TypedWords
from als_cli.console.completion.paths import config_files, paths
from als_cli.console.completion.scripts import SHELLS

Completer = Callable[[str], Iterable[Candidate]]

_PATH_METAVARS = ("FILE", "PATH", "NEW")
_MAXIMUM_IDS = 100
_ARTIFACTS = {
    "dataset": "dataset",
    "choice": "choice",
    "model": "models",
    "evaluation": "evaluations",
    "backtest": "backtests",
}
"""Names of ``als rollback --of``, and their folders in the workspace."""


def values_of(typed: TypedWords, parameter: Any) -> Completer:
    """Return the function that yields the values of `parameter` that begin with a text."""
    by_name: dict[str, Completer] = {
        "config": config_files,
        "set_": settings,
        "key": lambda start: keys(start, in_lists=True),
        "user_id": lambda start: ids(typed, "user", start),
        "item_id": lambda start: ids(typed, "item", start),
        "of": lambda _: map(Candidate, ("lists", "embeddings", *_ARTIFACTS)),
        "version": lambda _: versions(typed, typed.value("of", "lists")),
        "old": lambda start: [*versions(typed, "lists"), *paths(start)],
        "new": lambda start: [*versions(typed, "lists"), *paths(start)],
        "shell": lambda _: map(Candidate, SHELLS),
    }
    metavar = parameter.metavar or ""
    if parameter.name in by_name:
        return by_name[parameter.name]
    if metavar in _PATH_METAVARS:
        return paths
    return lambda _: map(Candidate, metavar.split("|") if "|" in metavar else ())


def settings(start: str) -> Iterator[Candidate]:
    """Yield keys with an equals sign, and after this sign the values of the key."""
    from als_cli.config.schema_words import SchemaWords

    key, equals, text = start.partition("=")
    if not equals:
        yield from keys(start, end="=")
        return
    schema, path = SchemaWords(), key.split(".")
    yield from (Candidate(f"{key}={word}") for word in schema.words_at(path))
    if schema.is_path(path):
        yield from (Candidate(f"{key}={one.value}") for one in paths(text))


def keys(start: str, *, in_lists: bool = False, end: str = "") -> Iterator[Candidate]:
    """Yield the keys of the section that `start` is in. Sections end in a dot, and other keys in `end`."""
    from als_cli.config.schema_words import SchemaWords

    *parents, name = start.split(".")
    head = "".join(f"{parent}." for parent in parents)
    for key in SchemaWords().keys_below(parents, in_lists=in_lists):
        if key.name.startswith(name):
            yield Candidate(f"{head}{key.name}{'.' if key.is_section else end}", key.help)


def ids(typed: TypedWords, side: str, start: str) -> list[Candidate]:
    """Return ids of users or items in the dataset of the config."""
    dataset = _path(typed, "workspace", "work") / "dataset"
    from als_cli.storage.id_search import ids_starting_with

    found = ids_starting_with(dataset / f"{side}s.parquet", f"{side}_id", start, _MAXIMUM_IDS)
    return [Candidate(one) for one in found]


def versions(typed: TypedWords, of: str) -> list[Candidate]:
    """Return the versions of the lists or of an artifact that are on disk, the newest first."""
    from als_cli.storage.publish import versions_by_age, was_published

    if of in _ARTIFACTS:
        place = _path(typed, "workspace", "work") / _ARTIFACTS[of]
    elif of == "embeddings":
        place = _path(typed, "embeddings.path", "out/embeddings")
    elif typed.value("output"):
        place = Path(typed.value("output"))
    else:
        place = _path(typed, "recommend.output.path", "out/recommendations")
    return [Candidate(version.name) for version in versions_by_age(place) if was_published(version)]


def _path(typed: TypedWords, key: str, default: str) -> Path:
    from als_cli.config.raw_paths import raw_path

    file = Path(typed.value("config")).expanduser()
    return raw_path(key, default, file, typed.values.get("set_", []), os.environ)
