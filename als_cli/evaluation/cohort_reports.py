"""Metrics of cohorts of users and of items: `cohorts` and `item_cohorts` in metrics.json."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from als_cli.arrays import Int64Array
from als_cli.config.evaluate import EvaluateConfig
from als_cli.evaluation.cohort_tables import TableValues, read_cohort_table
from als_cli.evaluation.cohorts import Cohort, history_cohorts, popularity_cohorts, value_cohorts
from als_cli.evaluation.comparisons import metric_names, values_per_user
from als_cli.evaluation.protocol import Measured
from als_cli.evaluation.report import CohortReport, ItemCohortReport
from als_cli.splitting.division import EvaluationSets
from als_cli.splitting.holdout import TestSet
from als_cli.tables.scan import FindFiles, find_files

CohortsByColumn = Mapping[str | None, tuple[Cohort, ...]]
"""Cohorts by the column that divides them; key None: cohorts by number of interactions."""


@dataclass(frozen=True)
class EvaluationCohorts:
    """Cohorts of one evaluation."""

    users: CohortsByColumn
    """Members are positions among the test users."""
    items: CohortsByColumn
    """Members are positions among the training items."""


def divide_cohorts(
    config: EvaluateConfig, sets: EvaluationSets, find: FindFiles = find_files
) -> EvaluationCohorts:
    """Return the cohorts of test users and training items, by number of interactions and by the tables of `config`.

    `find` finds the files of the tables.

    Raises
    ------
    ConfigError
        A column is missing, or its type cannot name cohorts.
    DataError
        A table cannot be read, or contains none of the ids.
    """
    test_set, tables = sets.holdout.test_set, config.cohorts
    lengths = np.diff(test_set.history.indptr).astype(np.int64)
    users: dict[str | None, tuple[Cohort, ...]] = {None: history_cohorts(lengths)}
    items: dict[str | None, tuple[Cohort, ...]] = {None: popularity_cohorts(test_set.interactions)}
    if tables.users is not None:
        key, ids = "evaluate.cohorts.users", sets.holdout.user_ids
        users |= _by_columns(read_cohort_table(tables.users, key, ids.dtype, find), ids, lengths)
    if tables.items is not None:
        key, ids = "evaluate.cohorts.items", sets.training.item_ids
        items |= _by_columns(
            read_cohort_table(tables.items, key, ids.dtype, find), ids, test_set.interactions
        )
    return EvaluationCohorts(users, items)


def _by_columns(
    table: TableValues, ids: pl.Series, interactions: Int64Array
) -> dict[str | None, tuple[Cohort, ...]]:
    return {name: value_cohorts(values, interactions) for name, values in table.of(ids).items()}


def cohort_reports(measured: Sequence[Measured], users: CohortsByColumn) -> tuple[CohortReport, ...]:
    """Return the accuracy metrics of each method for each cohort of `users`: means over the users of the cohort."""
    values_by_method = {method.method: values_per_user(method) for method in measured}
    names = metric_names(measured[0])
    return tuple(
        CohortReport(
            column=column,
            cohort=cohort.name,
            users=len(cohort.members),
            minimum=cohort.minimum,
            maximum=cohort.maximum,
            methods={
                method: dict(zip(names, values[cohort.members].mean(axis=0).tolist(), strict=True))
                for method, values in values_by_method.items()
            },
        )
        for column, cohorts in users.items()
        for cohort in cohorts
    )


def item_cohort_reports(
    measured: Sequence[Measured], test_set: TestSet, items: CohortsByColumn
) -> tuple[ItemCohortReport, ...]:
    """Return `slot_fraction@k` and `recall@k` of each method for each cohort of `items`, and the sizes of the cohort."""
    tested = np.bincount(test_set.relevant.indices, minlength=test_set.relevant.shape[1]).astype(np.int64)
    return tuple(
        ItemCohortReport(
            column=column,
            cohort=cohort.name,
            items=len(cohort.members),
            minimum=cohort.minimum,
            maximum=cohort.maximum,
            interactions=int(test_set.interactions[cohort.members].sum()),
            test_pairs=int(tested[cohort.members].sum()),
            methods={method.method: _item_metrics(method, cohort, tested) for method in measured},
        )
        for column, cohorts in items.items()
        for cohort in cohorts
    )


def _item_metrics(measured: Measured, cohort: Cohort, tested: Int64Array) -> dict[str, float | None]:
    """Return `slot_fraction@k` and `recall@k` of the items of `cohort`; None if the divisor is 0."""
    members = cohort.members
    metrics: dict[str, float | None] = {}
    for k, exposure in measured.exposure.items():
        metrics[f"slot_fraction@{k}"] = _ratio(exposure[members], exposure)
        metrics[f"recall@{k}"] = _ratio(measured.hits[k][members], tested[members])
    return metrics


def _ratio(part: Int64Array, whole: Int64Array) -> float | None:
    total = int(whole.sum())
    return int(part.sum()) / total if total else None
