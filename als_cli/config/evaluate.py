"""Section `evaluate`: splits, metrics, baselines, cohorts, gate."""

import re
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from als_cli.config.backtest import BacktestConfig
from als_cli.config.fields import Duration, Instant, PathText, Section
from als_cli.config.source import ColumnRef, ColumnsConfig, SourceConfig, TableFormat

BaselineName = Literal["popular", "recent_popular", "item_knn", "item_bm25", "own_items", "published"]
STRONGEST: Final = "strongest"
"""Value of `evaluate.gate.at_least` that means the strongest baseline."""
ACCURACY_NAMES = ("precision", "recall", "ndcg", "map", "mrr", "hit_rate")
LIST_NAMES = ("coverage", "popularity", "gini", "novelty", "popularity_lift", "filled", "diversity")
METRIC_NAMES = (*ACCURACY_NAMES, *LIST_NAMES)
_METRIC = rf"({'|'.join(METRIC_NAMES)})@[1-9][0-9]*"


class AutoSplit(Section):
    """The shortest test period at the end of the events that has 1,000 test users; random pairs if events have no timestamps. See docs/evaluation.md."""

    by: Literal["auto"] = "auto"
    """Kind of split."""


class TimeSplit(Section):
    """Train before a cut-off, test after it."""

    by: Literal["time"] = "time"
    """Kind of split."""
    test: Duration | Instant = Field(default="7d", validate_default=True, union_mode="left_to_right")
    """Length of the test period before the newest event, or the instant at which the test period starts."""


class LastSplit(Section):
    """The newest items of each user are the test set (leave-n-out)."""

    by: Literal["last"]
    """Kind of split."""
    n: int = Field(default=1, ge=1, le=1_000_000)
    """Test items per user. Users with `n` items or fewer stay in the training set."""


class RandomSplit(Section):
    """A random fraction of the pairs is the test set."""

    by: Literal["random"]
    """Kind of split."""
    fraction: float = Field(default=0.2, gt=0, lt=1)
    """Fraction of the pairs in the test set."""
    seed: int = Field(default=0, ge=0, lt=2**32)
    """Seed of the random split."""


class UsersSplit(Section):
    """Held-out users: they are not in the training set. The model folds them in from a fraction of their history."""

    by: Literal["users"]
    """Kind of split."""
    fraction: float = Field(default=0.1, gt=0, lt=1)
    """Fraction of the users that are held out."""
    fold_in: float = Field(default=0.8, gt=0, lt=1)
    """Fraction of the pairs of a held-out user for the fold-in. The other pairs are the test set."""
    seed: int = Field(default=0, ge=0, lt=2**32)
    """Seed of the random split."""


class FileSplit(SourceConfig):
    """A given test file. The whole dataset is the training set."""

    by: Literal["file"]
    """Kind of split."""


GivenSplit = TimeSplit | LastSplit | RandomSplit | UsersSplit | FileSplit
"""A split that says itself how events are divided."""
Split = Annotated[AutoSplit | GivenSplit, Field(discriminator="by")]

_KINDS = ("auto", "time", "last", "random", "users", "file")
KIND_OF_KEY = {"test": "time", "n": "last", "fraction": "random", "fold_in": "users", "path": "file"}
"""Keys that tell the kind of split. Beside `fold_in`, `fraction` is a fraction of users."""


def _with_kind(split: Any) -> Any:
    """Return the raw section `split` with `by`, which may be left out where the other keys tell the kind."""
    if not isinstance(split, dict) or "by" in split:
        return split
    found = {KIND_OF_KEY[key] for key in split if key in KIND_OF_KEY}
    if "users" in found:
        found.discard("random")
    if len(found) > 1 or (split and not found):
        raise ValueError(
            f"the keys {', '.join(map(str, split))} do not tell the kind of split; by is one of {', '.join(_KINDS)}"
        )
    return {"by": found.pop() if found else "auto", **split}


class CandidatesConfig(TableFormat):
    """The only items that are ranked for each user (evaluation with sampled candidates)."""

    path: PathText
    """File with one row per user and candidate item."""
    columns: ColumnsConfig = ColumnsConfig()
    """Columns `user` and `item` of that file."""


class CohortTable(TableFormat):
    """A table of users or items, and its columns that define cohorts."""

    path: PathText
    """Table with one row per user or item."""
    column: ColumnRef
    """Column with the ids, as in the events."""
    by: Annotated[tuple[ColumnRef, ...], Field(strict=False, min_length=1)]
    """Columns with text, integers or booleans. Each of the 20 most frequent values is a cohort; the other values are one cohort together."""


class UserTable(CohortTable):
    """Cohorts of users by the columns of a table."""

    column: ColumnRef = "user_id"
    """Column that holds the user ids."""


class ItemTable(CohortTable):
    """Cohorts of items by the columns of a table."""

    column: ColumnRef = "item_id"
    """Column that holds the item ids."""


class CohortsConfig(Section):
    """Cohorts that are evaluated separately, in addition to users by length of history and items by popularity."""

    users: UserTable | None = None
    """Users by the columns of a table: country, segment."""
    items: ItemTable | None = None
    """Items by the columns of a table: category, brand."""


class GateConfig(Section):
    """The quality that a model must reach on at least 30 test users. Otherwise the run exits with code 5."""

    metric: str = Field(default="ndcg@10", json_schema_extra={"pattern": f"^{_METRIC}$"})
    """A metric with its k, for example `ndcg@10`. `evaluate.at` must contain k."""
    at_least: float | Literal["strongest"] | BaselineName = STRONGEST
    """The minimum: a number, a baseline whose value the model must reach, or `strongest`: the largest value among the baselines, `published` excepted."""
    significant: bool = False
    """Require that the model is better than the baseline: the 95 % interval of the difference is above 0 and p < .05. Accuracy metrics only."""

    @field_validator("metric")
    @classmethod
    def _known_metric(cls, metric: str) -> str:
        if not re.fullmatch(_METRIC, metric):
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
    """How events are divided into training set and test set. `by` can be left out if another key determines the kind of split."""
    at: Annotated[
        tuple[Annotated[int, Field(ge=1, le=1_000_000)], ...], Field(strict=False, min_length=1)
    ] = (10, 20)
    """List lengths k that the metrics are computed at."""
    baselines: Literal["auto"] | Annotated[tuple[BaselineName, ...], Field(strict=False)] = "auto"
    """Methods that the model is compared with on the same split. auto: `popular`, `recent_popular` if all events have timestamps, and `item_knn`."""
    recent_half_life: Literal["auto"] | Duration = "auto"
    """Half-life of baseline `recent_popular`: the newest event of a user with an item counts 2^(-age / recent_half_life). auto: selected by validation NDCG@10."""
    users: Literal["all"] | Annotated[int, Field(ge=1, le=1_000_000_000)] = "all"
    """`all` users that have test items, or the size of a sample."""
    seed: int = Field(default=0, ge=0, lt=2**32)
    """Seed of the sample of users."""
    exclude_seen: bool = True
    """Whether the training items of a user are left out of the ranking and of the test items."""
    candidates: CandidatesConfig | None = None
    """The only items that are ranked for each user."""
    rules: bool = False
    """Whether the model is also evaluated with the candidates, the rules and the fallback of section `recommend`: method `als_with_rules`. Rules on earlier lists have no effect. The gate and the leading baseline do not look at this method."""
    cohorts: CohortsConfig = CohortsConfig()
    """Cohorts of users and items that are evaluated separately."""
    gate: GateConfig | None = None
    """The quality that the model must reach."""
    backtest: BacktestConfig = BacktestConfig()
    """Cut-offs of `als backtest`."""

    @property
    def baseline_names(self) -> tuple[BaselineName, ...]:
        """The baselines by name, in the order of the config.

        Raises
        ------
        TypeError
            `baselines` is still `auto`, see :func:`als_cli.evaluation.baselines.resolve_baselines`.
        """
        if self.baselines == "auto":
            raise TypeError("evaluate.baselines is auto: resolve_baselines names them")
        return self.baselines
