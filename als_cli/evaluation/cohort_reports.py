"""Figures of users and of items that have something in common, beside those of all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from als_cli.arrays import Int64Array
from als_cli.config.evaluate import EvaluateConfig
from als_cli.evaluation.attributes import Attributes, read_attributes
from als_cli.evaluation.cohorts import Cohort, history_cohorts, popularity_cohorts, value_cohorts
from als_cli.evaluation.comparisons import figure_names, figures_per_user
from als_cli.evaluation.protocol import Measured
from als_cli.evaluation.report import CohortReport, ItemCohortReport
from als_cli.splitting.division import EvaluationSets
from als_cli.splitting.holdout import TestSet
from als_cli.tables.scan import FindFiles, find_files

CohortsByColumn = Mapping[str | None, tuple[Cohort, ...]]
"""By the column of a table that they come from; None: by their interactions."""


@dataclass(frozen=True)
class EvaluationCohorts:
    """Who is evaluated apart."""

    users: CohortsByColumn
    """Positions among the test users."""
    items: CohortsByColumn
    """Positions among the training items."""


def divide_cohorts(
    config: EvaluateConfig, parts: EvaluationSets, find: FindFiles = find_files
) -> EvaluationCohorts:
    """Return the cohorts of test users and of training items, by their interactions and by the tables of `config`.

    `find` finds the files of the tables.

    Raises
    ------
    ConfigError
        A table lacks a column, or it cannot name cohorts.
    DataError
        A table cannot be read, or has none of the ids.
    """
    part, tables = parts.holdout.test_set, config.cohorts
    lengths = np.diff(part.history.indptr).astype(np.int64)
    users: dict[str | None, tuple[Cohort, ...]] = {None: history_cohorts(lengths)}
    items: dict[str | None, tuple[Cohort, ...]] = {None: popularity_cohorts(part.interactions)}
    if tables.users is not None:
        key, ids = "evaluate.cohorts.users", parts.holdout.user_ids
        users |= _by_columns(read_attributes(tables.users, key, ids.dtype, find), ids, lengths)
    if tables.items is not None:
        key, ids = "evaluate.cohorts.items", parts.training.item_ids
        items |= _by_columns(read_attributes(tables.items, key, ids.dtype, find), ids, part.interactions)
    return EvaluationCohorts(users, items)


def _by_columns(
    table: Attributes, ids: pl.Series, interactions: Int64Array
) -> dict[str | None, tuple[Cohort, ...]]:
    return {name: value_cohorts(one, interactions) for name, one in table.of(ids).items()}


def cohort_reports(measured: Sequence[Measured], users: CohortsByColumn) -> tuple[CohortReport, ...]:
    """Return every method's accuracy for each cohort of `users`: means over its users."""
    figures = {one.method: figures_per_user(one) for one in measured}
    names = figure_names(measured[0])
    return tuple(
        CohortReport(
            column=column,
            cohort=cohort.name,
            users=len(cohort.members),
            minimum=cohort.minimum,
            maximum=cohort.maximum,
            methods={
                method: dict(zip(names, values[cohort.members].mean(axis=0).tolist(), strict=True))
                for method, values in figures.items()
            },
        )
        for column, cohorts in users.items()
        for cohort in cohorts
    )


def item_cohort_reports(
    measured: Sequence[Measured], part: TestSet, items: CohortsByColumn
) -> tuple[ItemCohortReport, ...]:
    """Return how much of every method's lists each cohort of `items` takes, and how much of its test pairs they hit."""
    tested = np.bincount(part.relevant.indices, minlength=part.relevant.shape[1]).astype(np.int64)
    return tuple(
        ItemCohortReport(
            column=column,
            cohort=cohort.name,
            items=len(cohort.members),
            minimum=cohort.minimum,
            maximum=cohort.maximum,
            interactions=int(part.interactions[cohort.members].sum()),
            test_pairs=int(tested[cohort.members].sum()),
            methods={one.method: _item_figures(one, cohort, tested) for one in measured},
        )
        for column, cohorts in items.items()
        for cohort in cohorts
    )


def _item_figures(measured: Measured, cohort: Cohort, tested: Int64Array) -> dict[str, float | None]:
    """Return the fraction of places and the recall of the cohort's items by k; None where there is nothing to divide by."""
    members = cohort.members
    figures: dict[str, float | None] = {}
    for k, exposure in measured.exposure.items():
        figures[f"slot_fraction@{k}"] = _ratio(exposure[members], exposure)
        figures[f"recall@{k}"] = _ratio(measured.hits[k][members], tested[members])
    return figures


def _ratio(part: Int64Array, whole: Int64Array) -> float | None:
    total = int(whole.sum())
    return int(part.sum()) / total if total else None
