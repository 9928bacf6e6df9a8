"""Random configs as YAML trees, made from the types of the section models."""

from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from hypothesis import strategies as st

from als_cli.config.fields import Section, resolve_path
from als_cli.config.root import Config
from als_cli.config.schema_keys import Accepted, types_in

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8)
DURATIONS = st.builds(
    "{}{}{}".format,
    st.sampled_from([1, 7, 90, 1.5, 0.25]),
    st.sampled_from(["", " "]),
    st.sampled_from("smhdw"),
)
_TIMES = st.datetimes().filter(lambda one: one.year >= 1000)
INSTANTS = st.one_of(
    _TIMES.map(lambda one: one.isoformat()),
    _TIMES.map(lambda one: f"{one:%Y-%m-%d %H:%M}Z"),
    st.dates().map(lambda one: one.isoformat()),
    _TIMES.map(lambda one: f"{one:%Y%m%dT%H%M%S}+0200"),
)
BY_NAME = {
    "where": st.sampled_from(["price > 0", "a = 'it''s' and b is null"]),
    "metric": st.sampled_from(["ndcg@10", "recall@5", "coverage@20", "rbo"]),
    "uri": st.sampled_from(["sqlite:lists.sqlite", "postgresql://als:${PW}@db/shop", "duckdb:x.duckdb"]),
    "table": st.sampled_from(["recommendations", "shop.recs"]),
    "not_shown": st.sampled_from(["7d", "48h"]),
}
"""Values of keys whose rules are not in their types."""


def configs() -> st.SearchStrategy[dict[str, Any]]:
    """Return a strategy of trees. The loader accepts most of them; some break rules that concern several keys."""
    return _section(Config)


def _section(model: type[Section]) -> st.SearchStrategy[dict[str, Any]]:
    values = {
        name: _value(name, types_in(field.rebuild_annotation())) for name, field in model.model_fields.items()
    }
    required = {name: values[name] for name, field in model.model_fields.items() if field.is_required()}
    return st.fixed_dictionaries(
        required, optional={name: values[name] for name in values if name not in required}
    )


def _value(name: str, accepted: Any) -> st.SearchStrategy[Any]:
    every = [_of_type(name, one) for one in accepted]
    return st.one_of(every)


def _of_type(name: str, accepted: Accepted) -> st.SearchStrategy[Any]:
    kind = accepted.kind
    if kind is type(None):
        return st.none()
    if accepted.origin is Literal:
        return st.sampled_from(get_args(kind))
    if accepted.section is not None:
        return st.deferred(lambda: _section(accepted.section))
    if accepted.origin is tuple:
        return _list(name, accepted)
    if accepted.origin is dict:
        return st.dictionaries(WORDS, _value("", types_in(get_args(kind)[1])), max_size=3)
    plain = {timedelta: DURATIONS, datetime: INSTANTS, bool: st.booleans()}
    return plain[kind] if kind in plain else _number_or_text(name, accepted)


def _list(name: str, accepted: Accepted) -> st.SearchStrategy[Any]:
    inner = _value(name, types_in(get_args(accepted.kind)[0]))
    shortest, longest = _bound(accepted, "min_length") or 0, _bound(accepted, "max_length") or 3
    entries = st.lists(inner, min_size=shortest, max_size=longest)
    return entries.map(sorted) if longest == shortest == 2 else entries


def _number_or_text(name: str, accepted: Accepted) -> st.SearchStrategy[Any]:
    if accepted.kind is str:
        is_path = any(getattr(entry, "func", None) is resolve_path for entry in accepted.metadata)
        return BY_NAME.get(
            name, st.sampled_from(["FILE", "../a b/c.csv", "s3://bucket/x"]) if is_path else WORDS
        )
    low = next((one for one in (_bound(accepted, "ge"), _bound(accepted, "gt")) if one is not None), -1000)
    high = next((one for one in (_bound(accepted, "le"), _bound(accepted, "lt")) if one is not None), 1000)
    above, below = _bound(accepted, "gt") is not None, _bound(accepted, "lt") is not None
    if accepted.kind is int:
        return st.integers(low + above, high - below)
    return st.floats(low, high, exclude_min=above, exclude_max=below)


def _bound(accepted: Accepted, name: str) -> Any:
    return next(
        (getattr(one, name) for one in accepted.metadata if getattr(one, name, None) is not None), None
    )
