"""Arguments of a wrong type give one error that names the type, with a hint."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from als_cli import AlsError, Dataset, Model

EVENTS = {"user_id": ["u1", "u1", "u2", "u2", "u3"], "item_id": ["a", "b", "a", "c", "b"]}


@pytest.fixture(scope="module")
def dataset():
    return Dataset.from_events(pl.DataFrame(EVENTS))


@pytest.fixture(scope="module")
def model(dataset):
    return Model.train(dataset, factors=2, iterations=1, objective="hu2008", regularization=0.01)


@pytest.mark.parametrize("single", ["u1", b"u1", 7, {"u1": 1}, pl.DataFrame({"user_id": ["u1"]})])
def test_a_single_id_is_not_a_list_of_ids(dataset, model, single):
    calls = (
        lambda: model.recommend(dataset, single),
        lambda: model.similar_items(single),
        lambda: model.explain(dataset, "u1", single),
    )
    for call in calls:
        with pytest.raises(AlsError, match=r"of type .*, and not a list") as caught:
            call()
        assert caught.value.hint.startswith("give a list of ids: [")


def test_the_hint_has_the_id(dataset, model):
    with pytest.raises(AlsError) as caught:
        model.recommend(dataset, "u1")
    assert str(caught.value) == "the users are of type str, and not a list"
    assert caught.value.hint == "give a list of ids: ['u1']"


@pytest.mark.parametrize(
    "ids",
    [["b", "a"], ("a", "b"), {"a", "b"}, np.array(["a", "b"]), pd.Series(["a", "b"]), pl.Series(["b", "a"])],
)
def test_every_list_of_ids_is_taken(model, ids):
    assert model.similar_items(ids, top_n=1)["item_id"].to_list() == ["a", "b"]


def test_ids_of_different_types_are_one_error(model):
    with pytest.raises(AlsError, match="the ids of the items have different types"):
        model.similar_items(["a", 1])


@pytest.mark.parametrize(
    ("given", "kind", "hint"),
    [
        (pd.DataFrame(EVENTS), "pandas.DataFrame", "pl.from_pandas("),
        (pa.table(EVENTS), "pyarrow.Table", "pl.from_arrow("),
        ([("u1", "a")], "list", "pl.DataFrame("),
        (EVENTS, "dict", "pl.DataFrame("),
        (None, "NoneType", "pl.DataFrame("),
    ],
)
def test_frames_of_other_types_are_named(dataset, model, given, kind, hint):
    for name, call in (
        ("events", lambda: Dataset.from_events(given)),
        ("histories", lambda: model.recommend_histories(given, dataset=dataset)),
    ):
        with pytest.raises(AlsError, match=f"{name} is of type {kind}, and not a polars DataFrame") as caught:
            call()
        assert hint + name in caught.value.hint


def test_the_hint_about_pandas_works(dataset):
    events = pd.DataFrame(EVENTS)
    assert Dataset.from_events(pl.from_pandas(events)).user_ids.to_list() == dataset.user_ids.to_list()


def test_histories_that_are_not_collected_have_their_own_hint(model):
    with pytest.raises(AlsError, match="LazyFrame") as caught:
        model.recommend_histories(pl.LazyFrame(EVENTS))
    assert caught.value.hint == "collect it: `histories.collect()`"
