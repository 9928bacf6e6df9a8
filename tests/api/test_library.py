"""The library: tables in and out, the same results as the commands, and errors with hints."""

import io
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from implicit.cpu.als import AlternatingLeastSquares
from polars.testing import assert_frame_equal
from scipy.sparse import csr_matrix

import als_cli
from als_cli import AlsError, Dataset, Model, evaluate, from_implicit, to_implicit
from als_cli.als.threads import blas_limited_to
from tests.in_process import done

TRAIN = {"factors": 4, "iterations": 3}


@pytest.fixture(scope="module")
def events():
    random = np.random.default_rng(7)
    users, items = random.integers(0, 40, 900), random.integers(0, 15, 900)
    items = np.where(random.random(900) < 0.7, items // 3 * 3 + users % 3, items)  # users have a taste
    return pl.DataFrame({"user_id": users, "item_id": items, "at": random.integers(0, 10**6, 900)})


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    return tmp_path_factory.mktemp("library") / "work"


@pytest.fixture(scope="module")
def dataset(events, workspace):
    return Dataset.from_events(
        events, columns={"timestamp": "at"}, timestamp_format="s", duplicates="sum", workspace=workspace
    )


@pytest.fixture(scope="module")
def model(dataset, workspace):
    return Model.train(dataset, **TRAIN, workspace=workspace)


def test_lists_are_those_of_the_command(dataset, model, workspace, tmp_path):
    config = tmp_path / "shop.yaml"
    config.write_text(
        f"workspace: {workspace}\nevents: {{source: '-'}}\nrecommend: {{because: 2, top_n: 4}}\n"
    )
    done("recommend", "-c", config, "--output", tmp_path / "lists.parquet")
    published = pl.read_parquet(tmp_path / "lists.parquet")
    assert_frame_equal(model.recommend(dataset, top_n=4, because=2), published)
    some = [7, 3, 7, 39]
    expected = published.filter(pl.col("user_id").is_in([3, 7, 39]))
    assert_frame_equal(model.recommend(dataset, some, top_n=4, because=2), expected)
    assert_frame_equal(
        Model.open(workspace).recommend(Dataset.open(workspace), top_n=4, because=2), published
    )


def test_unknown_users_get_the_fallback(dataset, model):
    lists = model.recommend(dataset, [1000], top_n=3)
    assert lists["source"].to_list() == ["popular"] * 3


def test_items_may_come_again_after_events_of_a_type():
    events = pl.DataFrame(
        {
            "user_id": [1, 1, 2, 2, 3],
            "item_id": [1, 2, 1, 3, 2],
            "at": ["2025-01-01", "2025-01-02", "2025-06-01", "2025-06-02", "2025-06-03"],
            "type": ["buy", "view", "view", "view", "buy"],
        }
    )
    types = {"buy": 1, "view": 1}
    shop = Dataset.from_events(events, columns={"timestamp": "at", "type": "type"}, types=types)
    again = Model.train(shop, factors=2, iterations=2).recommend(
        shop, [1], top_n=3, seen_again_after={"buy": "30d"}
    )
    assert set(again["item_id"]) == {1, 3}, "item 2 was only viewed"


def test_streams_without_bytes_do_not_matter(events, monkeypatch):
    # A notebook has such streams.
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    shop = Dataset.from_events(events)
    assert Model.train(shop, **TRAIN).recommend(shop, [1], top_n=2).height == 2


def test_no_users_give_an_empty_table(dataset, model):
    assert model.recommend(dataset, pl.Series([], dtype=pl.Int64)).height == 0


def test_a_temporary_dataset_is_removed_with_its_last_user(events):
    temporary = Dataset.from_events(events)
    folder = temporary.workspace
    assert folder.exists()
    del temporary
    assert not folder.exists()


def test_a_history_is_sorted_by_strength(events, dataset):
    history = dataset.history(5)
    counts = events.filter(pl.col("user_id") == 5)["item_id"].value_counts(sort=True)
    assert history["strength"].to_list() == counts["count"].cast(pl.Float32).to_list()
    with pytest.raises(AlsError, match="no user 99"):
        dataset.history(99)


def test_a_folded_in_history_gets_the_list_of_its_user(dataset, model):
    # With the history of user 8 as strengths, fold-in from a new workspace must give the same order.
    folded = model.recommend(dataset, [8], top_n=6, refresh="all")
    assert set(folded["source"]) == {"fold_in"}
    history = dataset.history(8).with_columns(user_id=pl.lit("visitor"))
    lists = model.recommend_histories(history, dataset=dataset, top_n=6)
    assert lists["item_id"].to_list() == folded["item_id"].to_list()
    np.testing.assert_allclose(lists["score"], folded["score"], rtol=1e-5)
    seen = model.recommend_histories(history, dataset=dataset, top_n=15, exclude_seen=False)
    assert set(history["item_id"]) <= set(seen["item_id"])


def test_users_of_unknown_items_get_no_list(dataset, model):
    histories = pl.DataFrame({"user_id": [1, 2, 2], "item_id": [777, 3, 3]})
    lists = model.recommend_histories(histories, dataset=dataset, top_n=2)
    assert lists["user_id"].to_list() == [2, 2]


@pytest.mark.parametrize("items", [None, [3, 0]])
def test_neighbours_are_the_nearest_by_cosine(model, items):
    near = model.similar_items(items, top_n=14)
    units = model.item_factors / np.linalg.norm(model.item_factors, axis=1, keepdims=True)
    cosines = units @ units.T
    for item in model.item_ids if items is None else items:
        row = int(np.flatnonzero(model.item_ids == item)[0])
        mine = near.filter(pl.col("item_id") == item)
        expected = [other for other in np.argsort(-cosines[row]) if other != row]
        assert mine["similar_id"].to_list() == model.item_ids.gather(expected).to_list()
        np.testing.assert_allclose(mine["score"], cosines[row, expected], rtol=1e-4, atol=1e-6)
    assert near["item_id"].n_unique() == len(model.item_ids if items is None else items)


def test_all_reasons_of_a_score_add_up_to_it(dataset, model):
    model = Model.train(dataset, **TRAIN, solver="exact", demand={"exponent": 0, "long_run_exponent": 0})
    unseen = [item for item in dataset.item_ids if item not in dataset.history(4)["item_id"]]
    reasons = model.explain(dataset, 4, unseen, because=15)
    lists = model.recommend(dataset, [4], top_n=15, refresh="all")
    by_item = dict(lists.filter(source="fold_in").select("item_id", "score").iter_rows())
    assert by_item
    for item, score in by_item.items():
        mine = reasons.filter(item_id=item)
        # Contributions are positive only, and 15 reasons are the whole history.
        assert (mine["share"] * mine["score"]).sum() >= score * (1 - 1e-4)
    assert set(reasons["because"]) <= set(dataset.history(4)["item_id"])


def test_an_evaluation_compares_with_the_baselines(dataset):
    report = evaluate(dataset, train=TRAIN, at=[5], split={"by": "last", "n": 1}, baselines=["popular"])
    assert {method.method for method in report.methods} == {"als", "popular"}
    assert all(0 <= method.metrics["ndcg@5"] <= 1 for method in report.methods)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("Model.train(dataset, factor=3)", "did you mean factors"),
        ("model.recommend(dataset, top_n=0)", "top_n"),
        ("model.recommend(dataset, ['x'])", "cannot be a user id"),
        ("model.similar_items([99])", "no item 99"),
        ("model.explain(dataset, 99, [1])", "no user 99"),
        ("model.recommend_histories(pl.DataFrame({'item_id': [1]}))", "no column user_id"),
        ("Model.open('nowhere')", "no model"),
        ("Dataset.open('nowhere')", "no dataset"),
        ("Dataset.from_events(pl.DataFrame({'user_id': [1]}))", "no column 'item_id'"),
    ],
)
def test_a_mistake_is_one_error_with_a_hint(dataset, model, call, message):
    with pytest.raises(AlsError, match=message) as caught:
        eval(call, globals() | {"dataset": dataset, "model": model})
    assert caught.value.hint


def test_the_environment_does_not_change_the_library(dataset, monkeypatch):
    monkeypatch.setenv("ALS_TRAIN__FACTORS", "3")
    assert Model.train(dataset, **TRAIN).item_factors.shape[1] == 4


@pytest.fixture(scope="module")
def theirs(dataset):
    matrix = dataset.matrix
    user_items = csr_matrix(
        (matrix.data.copy(), matrix.indices.copy(), matrix.indptr.astype(np.int32)), matrix.shape
    )
    with blas_limited_to(1):
        fitted = AlternatingLeastSquares(factors=4, alpha=3.0, iterations=4, random_state=1)
        fitted.fit(user_items, show_progress=False)
    return fitted, user_items


def test_a_model_of_implicit_keeps_its_lists(dataset, theirs, tmp_path):
    fitted, user_items = theirs
    order = np.random.default_rng(1).permutation(len(dataset.user_ids))  # ids in any order
    shuffled = from_implicit(
        _with_users(fitted, order), user_items[order], dataset.user_ids.gather(order), dataset.item_ids
    )
    shuffled.save(tmp_path)
    for model in (shuffled, Model.open(tmp_path)):
        lists = model.recommend(dataset, top_n=3)
        assert set(lists["source"]) == {"als"}
        for row, user in enumerate(dataset.user_ids):
            rows, scores = fitted.recommend(row, user_items[row], N=3)
            mine = lists.filter(pl.col("user_id") == user)
            assert mine["item_id"].to_list() == dataset.item_ids.gather(rows).to_list()
            np.testing.assert_allclose(mine["score"], scores, rtol=1e-4)


def _with_users(fitted, order):
    made = AlternatingLeastSquares(factors=4, alpha=3.0, iterations=4)
    made.user_factors, made.item_factors = fitted.user_factors[order], fitted.item_factors
    return made


def test_implicit_folds_in_as_the_imported_model(dataset, theirs):
    fitted, user_items = theirs
    imported = from_implicit(fitted, user_items, dataset.user_ids, dataset.item_ids)
    with blas_limited_to(1):
        expected = fitted.recalculate_user(np.arange(40), user_items)
    mine = imported.recipe.fold_in(imported.item_factors, dataset.matrix)
    np.testing.assert_allclose(mine, expected, rtol=1e-3, atol=1e-4)


def test_an_exported_model_has_the_same_scores(dataset, model, theirs):
    exported = to_implicit(model)
    rows, scores = exported.recommend(2, theirs[1][2], N=5)
    expected = model.item_factors[rows] @ model.user_factors[2]
    np.testing.assert_allclose(scores, expected, rtol=1e-4)


def test_ids_that_do_not_fit_a_model_of_implicit_are_an_error(dataset, theirs):
    fitted, user_items = theirs
    with pytest.raises(AlsError, match="as many different user ids"):
        from_implicit(fitted, user_items, dataset.user_ids.head(3), dataset.item_ids)
    with pytest.raises(AlsError, match="user_items is"):
        from_implicit(fitted, user_items[:3], dataset.user_ids, dataset.item_ids)


def test_all_exported_names_exist():
    assert all(hasattr(als_cli, name) for name in als_cli.__all__)
    assert set(dir(als_cli)) == set(als_cli.__all__)
    with pytest.raises(AttributeError, match="nothing"):
        als_cli.nothing  # noqa: B018


def test_the_import_of_the_package_imports_no_large_library():
    program = (
        "import sys, als_cli; print(sorted({'polars', 'numpy', 'scipy', 'pydantic'} & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"
