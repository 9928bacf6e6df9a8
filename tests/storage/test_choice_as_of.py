"""A stored choice of `auto` serves an instant only if it cannot know later events."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from als_cli.storage.choice_files import ChoiceBasis, stored_choice, write_choice
from als_cli.tuning.auto import Choice
from tests.stages.builders import context_for

DAY = timedelta(days=1)
AS_OF = datetime(2026, 3, 1, tzinfo=UTC)
CHOICE = Choice(point={"regularization": 0.1}, metric="ndcg@10", value=0.2, users=300, periods=2)
BASIS = ChoiceBasis(
    settings="settings",
    dataset="dataset",
    as_of=AS_OF,
    events="events",
    until=None,
    interactions=900,
    time=AS_OF,
)


@pytest.mark.parametrize(
    ("stored", "serves"),
    [
        ({}, True),
        ({"as_of": AS_OF - DAY}, True),
        ({"as_of": AS_OF + DAY}, False),
        ({"as_of": None}, False),
        ({"as_of": None, "until": AS_OF - 2 * DAY}, False),
        ({"as_of": AS_OF + DAY, "dataset": "dataset"}, True),
        ({"as_of": None, "dataset": "dataset"}, True),
    ],
)
def test_a_choice_that_may_know_later_events_does_not_serve(tmp_path, stored, serves):
    other = {"dataset": "another", "events": "others"} if stored else {}
    write_choice(tmp_path / "choice", CHOICE, replace(BASIS, **other | stored), context_for(tmp_path).config)

    found = stored_choice(tmp_path / "choice", BASIS, 30 * DAY, unseen=False)

    assert found == (CHOICE if serves else None)


@pytest.mark.parametrize("as_of", [None, AS_OF, AS_OF + DAY])
def test_without_an_instant_every_choice_serves(tmp_path, as_of):
    write_choice(tmp_path / "choice", CHOICE, replace(BASIS, as_of=as_of), context_for(tmp_path).config)

    basis = replace(BASIS, as_of=None, dataset="another")

    assert stored_choice(tmp_path / "choice", basis, 30 * DAY, unseen=False) == CHOICE
