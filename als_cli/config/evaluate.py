"""Section `evaluate`: splits, metrics, baselines, cohorts, gate."""

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from als_cli.config.backtest import BacktestConfig
from als_cli.config.fields import Duration, Instant, PathText, Section
from als_cli.config.source import ColumnRef, ColumnsConfig, SourceConfig, TableFormat

BaselineName = Literal["popular", "recent_popular", "item_knn", "item_bm25", "own_items", "published"]
ACCURACY_NAMES = ("precision", "recall", "ndcg", "map", "mrr", "hit_rate")
LIST_NAMES = ("coverage", "popularity", "gini", "novelty", "popularity_lift", "filled", "diversity")
METRIC_NAMES = (*ACCURACY_NAMES, *LIST_NAMES)


class AutoSplit(Section):
    """The shortest test period at the end with 1,000 test users, or random pairs where events have no time; see docs/evaluation.md."""

    by: Literal["auto"] = "auto"
    """Kind of split."""


class TimeSplit(Section):
    """Train before a cut-off, test after it."""

    by: Literal["time"] = "time"
    """Kind of split."""
    test: Duration | Instant = Field(default="7d", validate_default=True, union_mode="left_to_right")
    """Length of the test period up to the newest event, or the instant it starts at."""


class LastSplit(Section):
    """Each user's newest items are the test part (leave-n-out)."""

    by: Literal["last"]
    """Kind of split."""
    n: int = Field(default=1, ge=1)
    """Test items per user; users with no more than `n` items stay in training."""


class RandomSplit(Section):
    """A random fraction of the pairs is the test part."""

    by: Literal["random"]
    """Kind of split."""
    fraction: float = Field(default=0.2, gt=0, lt=1)
    """Fraction of pairs."""
    seed: int = Field(default=0, ge=0)
    """Seed of the draw."""


class UsersSplit(Section):
    """Held-out users: the model never sees them and folds them in from a part of their history."""

    by: Literal["users"]
    """Kind of split."""
    fraction: float = Field(default=0.1, gt=0, lt=1)
    """Fraction of users held out."""
    fold_in: float = Field(default=0.8, gt=0, lt=1)
    """Fraction of a held-out user's pairs that the model may see; the rest is the test part."""
    seed: int = Field(default=0, ge=0)
    """Seed of the draw."""


class FileSplit(SourceConfig):
    """A given test file; the whole dataset is the training part."""

    by: Literal["file"]
    """Kind of split."""


GivenSplit = TimeSplit | LastSplit | RandomSplit | UsersSplit | FileSplit
"""A split that says itself how events are divided."""
Split = Annotated[AutoSplit | GivenSplit, Field(discriminator="by")]

_KINDS = ("auto", "time", "last", "random", "users", "file")
_KIND_OF_KEY = {"test": "time", "n": "last", "fraction": "random", "fold_in": "users", "path": "file"}
"""Keys that tell the kind of split. Beside `fold_in`, `fraction` is a fraction of users."""


def _with_kind(split: Any) -> Any:
    """Return the raw section `split` with `by`, which may be left out where the other keys tell the kind."""
    if not isinstance(split, dict) or "by" in split:
        return split
    found = {_KIND_OF_KEY[key] for key in split if key in _KIND_OF_KEY}
    if "users" in found:
        found.discard("random")
    if len(found) > 1 or (split and not found):
        raise ValueError(
            f"the keys {', '.join(map(str, split))} do not tell the kind of split; by is one of {', '.join(_KINDS)}"
        )
    return {"by": found.pop() if found else "auto", **split}


class CandidatesConfig(TableFormat):
    """Per-user candidates that ranking is restricted to (sampled protocols)."""

    path: PathText
    """File with one row per user and candidate item."""
    columns: ColumnsConfig = ColumnsConfig()
    """Columns `user` and `item` of that file."""


class CohortTable(TableFormat):
    """A table of users or items, and the columns to divide them by."""

    path: PathText
    """Table with one row per user or item."""
    column: ColumnRef
    """Column with the ids, as in the events."""
    by: Annotated[tuple[ColumnRef, ...], Field(strict=False, min_length=1)]
    """Columns of texts, integers, or true and false: each value is a cohort, the 20 most frequent by themselves."""


class UserTable(CohortTable):
    """Cohorts of users by the columns of a table."""

    column: ColumnRef = "user_id"
    """Column that holds the user ids."""


class ItemTable(CohortTable):
    """Cohorts of items by the columns of a table."""

    column: ColumnRef = "item_id"
    """Column that holds the item ids."""


class CohortsConfig(Section):
    """Whom to evaluate apart, beside users by their history and items by their popularity."""

    users: UserTable | None = None
    """Users by the columns of a table: country, segment."""
    items: ItemTable | None = None
    """Items by the columns of a table: category, brand."""


class GateConfig(Section):
    """The quality that a model must reach, on 30 test users or more; otherwise exit 5."""

    metric: str = "ndcg@10"
    """A metric with its k, for example `ndcg@10`; k must stand in `evaluate.at`."""
    at_least: float | BaselineName = "popular"
    """A number, or the baseline that the model must not fall below."""
    significant: bool = False
    """Demand a clear lead over the baseline: the 95 % interval of the difference above 0 and p < .05; accuracy metrics only."""

    @field_validator("metric")
    @classmethod
    def _known_metric(cls, metric: str) -> str:
        if not re.fullmatch(rf"({'|'.join(METRIC_NAMES)})@[1-9]\d*", metric):
            raise ValueError(f"a metric is one of {', '.join(METRIC_NAMES)}, then @k, for example ndcg@10")
        return metric

    @field_validator("significant")
    @classmethod
    def _there_is_an_interval(cls, significant: bool, info: ValidationInfo) -> bool:
        if significant and isinstance(info.data.get("at_least"), float):
            raise ValueError("this compares with a baseline, but evaluate.gate.at_least is a number")
        # A metric that is wrong itself is not there, and has its own message.
        if significant and not info.data.get("metric", ACCURACY_NAMES[0]).startswith(ACCURACY_NAMES):
            raise ValueError(f"this needs a figure per user: a metric of {', '.join(ACCURACY_NAMES)}")
        return significant


class EvaluateConfig(Section):
    """How the model is evaluated before its lists are published."""

    split: Annotated[Split, BeforeValidator(_with_kind)] = AutoSplit()
    """How events are divided into training set and test set. `by` may be left out where the other keys tell the kind."""
    at: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(strict=False, min_length=1)] = (10, 20)
    """List lengths k that the metrics are computed at."""
    baselines: Annotated[tuple[BaselineName, ...], Field(strict=False)] = ("popular", "item_knn")
    """What the model is compared with, on the same split."""
    recent: Duration = Field(default="30d", validate_default=True)
    """Length of the last part of the training period that baseline `recent_popular` counts."""
    users: Literal["all"] | Annotated[int, Field(ge=1)] = "all"
    """All users that have test items, or a seeded sample of this many."""
    seed: int = Field(default=0, ge=0)
    """Seed of the sample of users."""
    exclude_seen: bool = True
    """Leave a user's training items out of the ranking, and out of the test items."""
    candidates: CandidatesConfig | None = None
    """Rank only these items for each user."""
    cohorts: CohortsConfig = CohortsConfig()
    """Users and items that are also evaluated apart."""
    gate: GateConfig | None = None
    """Quality that must be reached."""
    backtest: BacktestConfig = BacktestConfig()
    """Earlier cut-offs that `als backtest` evaluates too."""
