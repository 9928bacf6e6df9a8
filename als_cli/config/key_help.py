"""Help for one key of the config: the answer of ``als explain``."""

import difflib
import re
from collections.abc import Sequence
from typing import Any, get_args

from als_cli.config.expected import literals_of, words_for
from als_cli.config.key_tree import Key, all_keys, keys_in, plain_name
from als_cli.config.schema_keys import Accepted, types_in
from als_cli.config.yaml_text import write_yaml
from als_cli.errors import ConfigError
from als_cli.reports import Report

_TRAINING = ("train", "evaluate", "backtest", "tune", "run")
_LISTS = ("recommend", "run", "show user")
_OTHER_LISTS = ("similar items", "similar users", "audience")
_PLACES = ("recommend", "run", "versions", "rollback", "compare")
COMMANDS: dict[str, tuple[str, ...]] = {
    "workspace": ("every command that reads a config",),
    "threads": ("every command that reads a config",),
    "keep": ("ingest", "train", "evaluate", "backtest", "run"),
    "events": ("ingest", "run", "tune", "evaluate --events"),
    "events.as_of": ("every command that reads events",),
    "train": _TRAINING,
    "train.again_after": ("train", "run"),
    "evaluate": ("evaluate", "run", "backtest"),
    "evaluate.split": _TRAINING,
    "evaluate.gate": ("evaluate", "run"),
    "evaluate.backtest": ("backtest",),
    "tune": ("tune",),
    "recommend": _LISTS,
    "recommend.top_n": (*_LISTS, "show item", *_OTHER_LISTS),
    "recommend.items": (*_LISTS, "show item", *_OTHER_LISTS, "evaluate"),
    "recommend.rules": (*_LISTS, *_OTHER_LISTS, "evaluate"),
    "recommend.block_users": ("recommend", "run", "embeddings", *_OTHER_LISTS),
    "recommend.output": (*_PLACES, *_OTHER_LISTS),
    "recommend.output.keep": ("recommend", "run", *_OTHER_LISTS),
    "recommend.output.changes": ("recommend", "run"),
    "recommend.churn": ("recommend", "run", "compare --gate"),
    "embeddings": ("embeddings", "versions", "rollback"),
    "report": ("report", "run", "evaluate", "backtest", "tune"),
}
"""The commands that use a key, by the start of its name. The longest start counts."""
_EXAMPLE_KEYS = 3
_MENTIONED = re.compile(r"`([a-z_]+(?:\.[a-z_]+)*)`")


class VariantReport(Report):
    """A key in one variant of its section."""

    variant: str | None
    """The key and word that determine the variant, for example ``by: random``; null if there is one variant."""
    description: str
    type: str
    default: Any
    required: bool
    values: tuple[str, ...]
    """The allowed words, for example ``auto``."""


class SubkeyReport(Report):
    """A key of a section."""

    key: str
    description: str


class KeyReport(Report):
    """Help for one key or section of the config."""

    key: str
    variants: tuple[VariantReport, ...]
    keys: tuple[SubkeyReport, ...]
    """The keys of a section."""
    used_by: tuple[str, ...]
    """The commands that use the key."""
    example: str
    """YAML that sets the key."""
    related: tuple[str, ...]


def explain_key(text: str) -> KeyReport:
    """Return help for the key `text`, for example ``train.factors``.

    Raises
    ------
    ConfigError
        The key does not exist. The hint suggests similar keys.
    """
    name = plain_name(text)
    keys = all_keys().get(name)
    if keys is None:
        raise ConfigError(f"the config has no key {text!r}", hint=_similar(name))
    below = keys_in(name)
    return KeyReport(
        key=keys[0].shown,
        variants=_variants(keys),
        keys=tuple(
            SubkeyReport(key=found[0].shown, description=found[0].description)
            for found in map(all_keys().__getitem__, below)
        ),
        used_by=_commands_of(name),
        example=_example(keys[0]),
        related=_related(name, keys),
    )


def _variants(keys: Sequence[Key]) -> tuple[VariantReport, ...]:
    """Return a report for each description of a key: variants of a section may describe it differently."""
    alike: dict[str, list[Key]] = {}
    for key in keys:
        alike.setdefault(key.description, []).append(key)
    reports = []
    for description, group in alike.items():
        accepted = [one for key in group for one in key.accepted]
        report = VariantReport(
            variant=None if len(alike) == 1 else _variant(group[0]),
            description=description,
            type=words_for(accepted),
            default=group[0].default,
            required=all(key.is_required for key in group),
            values=_values(accepted),
        )
        reports.append(report)
    return tuple(reports)


def _values(accepted: Sequence[Accepted]) -> tuple[str, ...]:
    """Return the allowed words of a key, or of the entries of its list."""
    inner = [entry for one in accepted if one.origin is tuple for entry in types_in(get_args(one.kind)[0])]
    words = literals_of([*accepted, *inner])
    is_switch = any(one.kind is bool for one in accepted)
    return (*words, *(("true", "false") if is_switch else ()))


def _variant(key: Key) -> str | None:
    siblings = (one for keys in all_keys().values() for one in keys if one.model is key.model)
    words = (f"by: {one.variant_word}" for one in siblings if one.variant_word)
    return next(words, (key.model.__doc__ or "").partition("\n")[0])


def _commands_of(name: str) -> tuple[str, ...]:
    parts = name.split(".")
    starts = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next(COMMANDS[start] for start in starts if start in COMMANDS)


def _example(key: Key) -> str:
    """Return YAML that sets `key` in its sections. A section without an example shows its first keys."""
    value = key.example
    if value is None and key.is_default_section:
        leaves = [one for name in keys_in(key.name) if not (one := all_keys()[name][0]).sections]
        value = {leaf.name.rpartition(".")[2]: leaf.example for leaf in leaves[:_EXAMPLE_KEYS]}
    tree: Any = value
    for part in reversed(re.findall(r"[a-z_]+|\[\]", key.shown)):
        tree = [tree] if part == "[]" else {part: tree}
    return write_yaml(tree)


def _related(name: str, keys: Sequence[Key]) -> tuple[str, ...]:
    """Return keys that the description mentions, then keys whose description mentions this key."""
    parent = name.rpartition(".")[0]
    mentioned = [
        found
        for key in keys
        for word in _MENTIONED.findall(key.description)
        for found in (word, f"{parent}.{word}")
        if found in all_keys()
    ]
    mentioning = [
        other
        for other, found in all_keys().items()
        if "." in name and any(f"`{name}`" in key.description for key in found)
    ]
    return tuple(one for one in dict.fromkeys([*mentioned, *mentioning]) if one != name)


def _similar(name: str) -> str:
    """Return a hint with up to three similar keys. The last part of a key counts most."""
    last = name.rpartition(".")[2]
    same = [known for known in all_keys() if known.rpartition(".")[2] == last]
    whole = difflib.get_close_matches(name, all_keys(), n=3, cutoff=0.7)
    ends: dict[str, str] = {}
    for known in all_keys():
        ends.setdefault(known.rpartition(".")[2], known)
    by_end = [ends[end] for end in difflib.get_close_matches(last, ends, n=2, cutoff=0.7)]
    ranked = sorted({*same[:6], *whole, *by_end}, key=lambda known: -_likeness(known, name))
    if ranked:
        return f"did you mean {' or '.join(ranked[:3])}?"
    return (
        f"the keys at the top are {', '.join(keys_in(''))}; `als explain SECTION` lists the keys of a section"
    )


def _likeness(known: str, name: str) -> float:
    return difflib.SequenceMatcher(None, known, name).ratio()
