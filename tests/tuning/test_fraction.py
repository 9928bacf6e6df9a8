"""`tune.fraction`: the fraction of the training pairs in the validation set of a random fold."""

import pytest

from als_cli.errors import ConfigError
from als_cli.stages.tune import tune
from als_cli.storage.dataset_files import open_dataset
from tests.stages.evaluation_builders import two_tastes
from tests.stages.tune_builders import folds_of, training_matrix_of, tuning


@pytest.mark.parametrize(("fraction", "of_training"), [("auto", 0.2), (0.05, 0.05)])
def test_random_folds_have_the_given_fraction(tmp_path, fraction, of_training):
    context = tuning(tmp_path, "random", fraction=fraction)
    pairs = training_matrix_of(context).nnz
    folds = folds_of(context)
    assert [fold.training.matrix.nnz for fold in folds] == [pairs - round(of_training * pairs)] * 2
    first, second = (fold.training.matrix for fold in folds)
    assert first.shape != second.shape or (first != second).nnz


def test_with_a_test_file_a_validation_set_is_a_tenth(tmp_path):
    context = tuning(tmp_path, "random")
    raw = context.config.model_dump(mode="json", exclude_unset=True)
    raw["evaluate"]["split"] = {"by": "file", "path": str(tmp_path / "absent.parquet")}
    context = type(context)(config=type(context.config).model_validate(raw), threads=1)
    dataset = open_dataset(context.dataset_place)
    pairs = dataset.interactions.matrix.nnz
    assert {fold.training.matrix.nnz for fold in folds_of(context)} == {pairs - round(0.1 * pairs)}


@pytest.mark.parametrize("split", ["time", "last", "users"])
def test_a_fraction_without_random_pairs_is_an_error(tmp_path, split):
    context = tuning(tmp_path, split, fraction=0.1)
    with pytest.raises(ConfigError, match=r"tune\.fraction is 0\.1, but with evaluate\.split by"):
        tune(context)


def test_too_few_evaluated_users_are_warned_of(tmp_path, caplog):
    tune(tuning(tmp_path, "random", fraction=0.001, trials=1))
    assert [r.getMessage() for r in caplog.records if r.levelname == "WARNING"] == [
        "tune: only 2 users are evaluated, so results are noisy: use more folds"
    ]
    caplog.clear()
    tune(tuning(tmp_path / "enough", "random", clean=two_tastes(users=120), trials=1))
    assert [record for record in caplog.records if record.levelname == "WARNING"] == []
