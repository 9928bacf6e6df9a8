"""Remarks about the lists."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from als_cli.report.checks import _of_equal_lists
from als_cli.report.sections.lists import ListsSection
from als_cli.report.text import percent

LISTS = ListsSection(
    facts=(), sources=None, popularity=None, most_listed=None, rules=None, shortfall=None, churn=None,
    churn_text="", moved=None, coverage=None, most_common=None, fallback_fraction=0.0, shortfall_users=0,
    changed_fraction=None,
)  # fmt: skip


@pytest.mark.parametrize(
    ("fraction", "items", "remarks"), [(0.51, 200, 1), (0.5, 200, 0), (0.9, 199, 0), (None, 200, 0)]
)
def test_lists_that_hardly_differ_are_a_remark(fraction, items, remarks):
    artifacts = SimpleNamespace(
        model=SimpleNamespace(item_ids=range(items)), recommend=SimpleNamespace(top_n=20)
    )
    found = list(_of_equal_lists(artifacts, replace(LISTS, most_common=fraction)))
    assert len(found) == remarks
    assert all(one.text.startswith(f"One item is in {percent(0.51, 0)} of the lists") for one in found)


def test_without_a_model_the_number_of_items_is_unknown():
    artifacts = SimpleNamespace(model=None, recommend=SimpleNamespace(top_n=20))
    assert list(_of_equal_lists(artifacts, replace(LISTS, most_common=0.9))) == []
