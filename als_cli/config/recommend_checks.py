"""Checks of section `recommend` that concern several keys. They run before any work."""

from collections.abc import Iterator
from typing import Any

from als_cli.config.events import EventsConfig
from als_cli.config.recommend import CatalogConfig, RecommendConfig
from als_cli.config.rules import RulesConfig
from als_cli.config.source import SourceConfig
from als_cli.errors import ConfigError

_COMPARABLE = ("parquet", "csv", "ndjson", "ipc")
"""Formats of lists that a run can compare with the published ones."""


def check_recommend(config: RecommendConfig) -> None:
    """Return when the keys of section `recommend` fit together.

    Raises
    ------
    ConfigError
        A key needs another one, or two keys exclude each other. The error lists all mistakes.
    """
    mistakes = [f"recommend.{line}" for line in _mistakes(config)]
    if len(mistakes) == 1:
        raise ConfigError(mistakes[0], hint="docs/rules.md describes the rules")
    if mistakes:
        raise ConfigError(
            f"section recommend: {len(mistakes)} keys do not fit together",
            problems=mistakes,
            hint="docs/rules.md describes the rules",
        )


def ranks_of_share(share: float, top_n: int) -> int:
    """Return how many ranks a share of the list has, rounded down."""
    return int(share * top_n + 1e-9)


def check_event_types(recommend: RecommendConfig, events: EventsConfig) -> None:
    """Return when the events have the types that `recommend.seen_again_after` names.

    Raises
    ------
    ConfigError
        No source maps the type of its events, or `events.types` does not list a type.
    """
    after, key = recommend.seen_again_after, "recommend.seen_again_after"
    if not isinstance(after, dict):
        return
    if not _have_types(events):
        raise ConfigError(
            f"{key} names event types, but no source maps a column of types",
            hint=f"set events.columns.type, or {key} to one duration for all events, for example 30d",
        )
    unknown = [name for name in after if events.types is not None and name not in events.types]
    if unknown:
        names = ", ".join(repr(name) for name in unknown)
        raise ConfigError(
            f"{key}: events.types does not list {names}",
            hint=f"event types of events.types: {', '.join(events.types or ())}",
        )


def _have_types(events: EventsConfig) -> bool:
    """Return whether a source maps the type of its events."""
    entries = (events.source,) if isinstance(events.source, str) else events.source
    mapped = (
        entry.columns if isinstance(entry, SourceConfig) and entry.columns is not None else events.columns
        for entry in entries
    )
    return any(columns.type is not None for columns in mapped)


def _mistakes(config: RecommendConfig) -> Iterator[str]:
    catalog = None if config.items is None else config.items.catalog
    if config.items is not None:
        yield from _of_items(config.items)
    yield from _of_rules(config.rules, catalog)
    yield from _of_positions(config.rules, config.top_n)
    yield from _of_shares(config.rules, config.top_n)
    yield from _of_names(config.rules)
    if config.seen_again_after is not None and not config.exclude_seen:
        yield "seen_again_after needs exclude_seen: true"
    if config.guests is not None:
        if config.guests.id is None and not config.guests.segments:
            yield "guests: set id, segments or both"
        if config.guests.segments and config.segments is None:
            yield "guests.segments needs segments"
        if not config.fallback:
            yield "guests need a fallback"
    yield from _of_earlier_lists(config)
    if "segment_popular" in config.fallback and config.segments is None:
        yield "fallback: segment_popular needs segments"


def _of_earlier_lists(config: RecommendConfig) -> Iterator[str]:
    output, churn = config.output, config.churn
    in_files = output.database is None and output.path != "-" and output.format in _COMPARABLE
    needing = {"output.changes": output.changes, "churn": churn}
    if not in_files or output.partition_by:
        for key, value in needing.items():
            if value is not None:
                yield f"{key} needs earlier lists in Parquet, CSV, NDJSON or Arrow files, without partition_by"
    if churn is None:
        return
    wanted, other = ("at_most", "at_least") if churn.metric == "changed_users" else ("at_least", "at_most")
    if getattr(churn, wanted) is None or getattr(churn, other) is not None:
        yield f"churn: metric {churn.metric} needs {wanted}, and no {other}"


def _of_items(items: CatalogConfig) -> Iterator[str]:
    if items.catalog is None:
        yield from (
            f"items.{key} needs items.catalog" for key in ("where", "available") if getattr(items, key)
        )
        if items.allow is None and items.deny is None:
            yield "items: set catalog, allow or deny"
    if items.available is not None and items.available.since is None and items.available.until is None:
        yield "items.available: set since, until or both"


def _of_rules(rules: RulesConfig, catalog: str | None) -> Iterator[str]:
    for number, limit in enumerate(rules.limits):
        key = f"rules.limits[{number}]"
        if catalog is None:
            yield f"{key} needs items.catalog"
        if limit.at_most is None and limit.at_least is None:
            yield f"{key}: set at_most, at_least or both"
    for name, chosen in (("pinned", rules.pinned), ("promoted", rules.promoted)):
        for number, rule in enumerate(chosen):
            key = f"rules.{name}[{number}]"
            yield from _one_of(key, file=rule.file, where=rule.where)
            if rule.where is not None and catalog is None:
                yield f"{key}.where needs items.catalog"
    for number, promoted in enumerate(rules.promoted):
        yield from _one_of(f"rules.promoted[{number}]", positions=promoted.positions, share=promoted.share)


def _of_names(rules: RulesConfig) -> Iterator[str]:
    """Yield a mistake for each name that an earlier rule has."""
    owners: dict[str, str] = {}
    for kind, chosen in (("pinned", rules.pinned), ("promoted", rules.promoted)):
        for number, rule in enumerate(chosen):
            key, name = f"rules.{kind}[{number}]", rule.name or f"{kind} {number + 1}"
            if name in owners:
                yield f"{key}.name: {name!r} is the name of recommend.{owners[name]} already"
            owners[name] = key


def _of_positions(rules: RulesConfig, top_n: int) -> Iterator[str]:
    """Yield a mistake for each rank that is beyond the list, or that two rules have."""
    owners: dict[int, str] = {}
    named = [(f"rules.pinned[{k}]", one.positions) for k, one in enumerate(rules.pinned)]
    named += [(f"rules.promoted[{k}]", one.positions or ()) for k, one in enumerate(rules.promoted)]
    for key, ranks in named:
        for rank in ranks:
            if rank > top_n:
                yield f"{key}.positions: rank {rank} is beyond the list of {top_n} items"
            if rank in owners:
                yield f"{key}.positions: rank {rank} belongs to recommend.{owners[rank]} already"
            owners[rank] = key


def _of_shares(rules: RulesConfig, top_n: int) -> Iterator[str]:
    """Yield a mistake if the rules together take more ranks than a list has."""
    ranks = {f"pinned[{k}]": len(one.positions) for k, one in enumerate(rules.pinned)}
    for number, one in enumerate(rules.promoted):
        of_share = ranks_of_share(one.share or 0, top_n)
        ranks[f"promoted[{number}]"] = of_share if one.positions is None else len(one.positions)
    if rules.explore is not None:
        ranks["explore"] = ranks_of_share(rules.explore.share, top_n)
    total = sum(ranks.values())
    # Without shares, the ranks of positions are checked one by one.
    if total > top_n and (rules.explore is not None or any(one.share for one in rules.promoted)):
        each = ", ".join(f"{key} {count}" for key, count in ranks.items())
        yield f"rules: the rules take {total} ranks of a list of {top_n} items: {each}"


def _one_of(key: str, **alternatives: Any) -> Iterator[str]:
    """Yield a mistake unless exactly one of the two `alternatives` is set."""
    first, second = alternatives
    if (alternatives[first] is None) == (alternatives[second] is None):
        yield f"{key}: set either {first} or {second}"
