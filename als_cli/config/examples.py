"""Example values of keys, for the JSON Schema and ``als explain``."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from als_cli.config.fields import resolve_path
from als_cli.config.schema_keys import Accepted

EXAMPLES: dict[str, Any] = {
    "threads": 4,
    "events": {"source": "events/*.parquet", "half_life": "30d"},
    "train": {"factors": 128, "iterations": 8},
    "evaluate": {"split": {"by": "time", "test": "7d"}, "gate": {"metric": "ndcg@10"}},
    "tune": {"trials": 100, "time": "2h"},
    "recommend": {"top_n": 20, "output": {"path": "out/recommendations.parquet"}},
    "recommend.output": {"path": "out/recommendations.parquet"},
    "events.source": "events/*.parquet",
    "events.source.path": "events/2026-*.csv",
    "events.source.separator": ";",
    "events.columns.user": "customer_id",
    "events.columns.item": "sku",
    "events.columns.timestamp": "ts",
    "events.columns.type": "event",
    "events.columns.value": "quantity",
    "events.where": "price > 0 and country = 'France'",
    "events.timestamp_format": "%d/%m/%Y %H:%M",
    "events.types": {"view": 1, "cart": 3, "purchase": 5},
    "events.value_cap": 100,
    "train.factors": 128,
    "train.regularization": 0.005,
    "train.frequency_exponent": 1,
    "train.unobserved_weight": 1,
    "train.iterations": 8,
    "train.confidence.user_exponent": 0.1,
    "train.confidence.item_exponent": 0.1,
    "train.fold_in.regularization": 0.005,
    "train.fold_in.item_exponent": 0.1,
    "train.demand.exponent": 0.5,
    "train.demand.long_run_exponent": 0.5,
    "train.demand.offset": 1,
    "train.horizon": "7d",
    "train.again_after": "7d",
    "evaluate.split": {"by": "time", "test": "7d"},
    "evaluate.split.fold_in": 0.8,
    "evaluate.split.n": 1,
    "evaluate.split.path": "test.parquet",
    "evaluate.baselines": ["popular", "item_knn"],
    "evaluate.candidates": {"path": "candidates.parquet"},
    "evaluate.candidates.path": "candidates.parquet",
    "evaluate.cohorts.users": {"path": "users.parquet", "by": ["country"]},
    "evaluate.cohorts.users.path": "users.parquet",
    "evaluate.cohorts.users.by": ["country"],
    "evaluate.cohorts.items": {"path": "items.parquet", "by": ["category"]},
    "evaluate.cohorts.items.path": "items.parquet",
    "evaluate.cohorts.items.by": ["category"],
    "evaluate.gate": {"metric": "ndcg@10", "at_least": "strongest"},
    "tune.fraction": 0.1,
    "tune.space.factors": [64, 128, 256],
    "tune.space.regularization": [0.0001, 0.05],
    "tune.output": "best.yaml",
    "recommend.users": {"active_since": "30d"},
    "recommend.users.active_since": "30d",
    "recommend.users.file": "users.csv",
    "recommend.seen_again_after": "60d",
    "recommend.items": {"catalog": "items.parquet", "where": "in_stock and price > 0"},
    "recommend.items.catalog": "items.parquet",
    "recommend.items.columns.title": "title",
    "recommend.items.where": "in_stock and price > 0",
    "recommend.items.available": {"since": "published_at", "until": "withdrawn_at"},
    "recommend.items.available.since": "published_at",
    "recommend.items.available.until": "withdrawn_at",
    "recommend.items.allow": {"file": "allowed.csv"},
    "recommend.items.allow.file": "allowed.csv",
    "recommend.items.deny": {"file": "denied.csv"},
    "recommend.items.deny.file": "denied.csv",
    "recommend.rules.user_allow": {"file": "offers.csv"},
    "recommend.rules.user_allow.file": "offers.csv",
    "recommend.rules.user_deny": {"file": "complaints.csv"},
    "recommend.rules.user_deny.file": "complaints.csv",
    "recommend.rules.not_shown": "7d",
    "recommend.rules.limits": [{"column": "category", "at_most": 3}],
    "recommend.rules.limits.column": "category",
    "recommend.rules.limits.at_most": 3,
    "recommend.rules.limits.at_least": 4,
    "recommend.rules.pinned": [{"positions": [1], "where": "sponsored"}],
    "recommend.rules.pinned.file": "sponsored.csv",
    "recommend.rules.pinned.where": "sponsored",
    "recommend.rules.pinned.name": "sponsor",
    "recommend.rules.pinned.positions": [1, 5],
    "recommend.rules.promoted": [{"share": 0.2, "where": "price < 15"}],
    "recommend.rules.promoted.file": "bargains.csv",
    "recommend.rules.promoted.where": "price < 15",
    "recommend.rules.promoted.name": "bargains",
    "recommend.rules.promoted.positions": [3, 6],
    "recommend.rules.promoted.share": 0.2,
    "recommend.rules.diversity": {"strength": 0.3},
    "recommend.rules.explore": {"share": 0.1},
    "recommend.rules.minimum_score": 0.05,
    "recommend.fallback": ["recent_popular", "popular"],
    "recommend.segments": {"file": "users.parquet", "column": "country"},
    "recommend.segments.file": "users.parquet",
    "recommend.guests": {"id": "guest"},
    "recommend.guests.id": "guest",
    "recommend.guests.segments": {"France": "guest-fr"},
    "recommend.churn": {"metric": "rbo", "at_least": 0.5},
    "recommend.churn.at_least": 0.5,
    "recommend.churn.at_most": 0.8,
    "recommend.output.path": "out/recommendations.parquet",
    "recommend.output.compression_level": 3,
    "recommend.output.shards": 16,
    "recommend.output.partition_by": ["source"],
    "recommend.output.key_value.prefix": "recs:",
    "recommend.output.database": {"uri": "postgresql://als:${PGPASSWORD}@db/shop", "table": "shop.recs"},
    "recommend.output.database.uri": "postgresql://als:${PGPASSWORD}@db/shop",
    "recommend.output.database.table": "shop.recommendations",
    "recommend.output.database.driver": "adbc_driver_flightsql",
    "recommend.output.database.entrypoint": "AdbcDriverInit",
    "report.path": "out/report.html",
    "report.category": "department",
}
"""Example values by dotted key, where the default or the type shows too little. Entries of lists have no index."""


def example_of(name: str, accepted: Sequence[Accepted], default: Any) -> Any:
    """Return an example value of the key `name`: its example above, one of its type, or its default.

    `default` is the value as in YAML, None if the key has none.
    """
    if name in EXAMPLES:
        return EXAMPLES[name]
    if default not in (None, "auto"):
        return default
    found = (example for one in accepted if (example := _of_type(one)) is not None)
    return next(found, default)


def _of_type(accepted: Accepted) -> Any:
    if accepted.kind is timedelta:
        return "30d"
    if accepted.kind is datetime:
        return "2026-01-31T06:00:00Z"
    is_path = any(getattr(entry, "func", None) is resolve_path for entry in accepted.metadata)
    return "FILE" if is_path else None
