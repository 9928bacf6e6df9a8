"""Section `items`: principal components, the map, and neighbours."""

import numpy as np
import polars as pl
import pytest

from als_cli.als.threads import blas_limited_to
from als_cli.report.content import report_content
from als_cli.report.sections.items import items_section, principal_components
from als_cli.stages.report import artifacts_of
from tests.in_process import done
from tests.report.shops import ITEMS, context_of, write_hostile_shop


@pytest.mark.parametrize("shape", [(50, 8), (8, 50), (30, 30), (20, 2), (5, 1)])
def test_principal_components_are_those_of_a_singular_value_decomposition(shape):
    vectors = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    found, variance = principal_components(vectors)
    centred = vectors.astype(np.float64) - vectors.astype(np.float64).mean(axis=0)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    expected = (left * values)[:, :2]
    assert found.shape == (shape[0], 2)
    np.testing.assert_allclose(np.abs(found[:, : expected.shape[1]]), np.abs(expected), atol=1e-5)
    assert variance == pytest.approx((values[:2] ** 2).sum() / (values**2).sum(), abs=1e-6)


def test_principal_components_do_not_depend_on_signs_or_threads():
    vectors = np.random.default_rng(2).normal(size=(200, 16)).astype(np.float32)
    first, _ = principal_components(vectors)
    with blas_limited_to(2):
        again, _ = principal_components(vectors)
    assert first.tobytes() == again.tobytes()
    assert all(first[np.abs(first[:, k]).argmax(), k] > 0 for k in (0, 1))


def test_equal_vectors_have_no_variance():
    found, variance = principal_components(np.ones((4, 3), np.float32))
    assert (variance, np.abs(found).max()) == (0.0, 0.0)


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory):
    config = write_hostile_shop(tmp_path_factory.mktemp("shop"))
    for command in ("ingest", "train"):
        done(command, "-c", config)
    return artifacts_of(context_of(config))


def test_the_map_has_the_items_with_most_users(artifacts):
    content = report_content(artifacts, "shop")
    points = content.items.map.spec["data"]["values"]
    assert len(points) == len(artifacts.model.item_ids) <= len(ITEMS)
    from als_cli.report.item_labels import item_labels

    labels = item_labels(artifacts.recommend.items, None, pl.String())
    few = items_section(artifacts.model, labels, 10).map.spec["data"]["values"]
    users = artifacts.model.item_interactions.to_numpy()
    assert len(few) == 10
    assert min(int(point["label"].split()[0]) for point in few) >= np.sort(users)[-10]


def test_categories_colour_the_map(artifacts):
    spec = report_content(artifacts, "shop").items.map.spec
    groups = spec["encoding"]["color"]["scale"]["domain"]
    assert len(groups) == len(set(groups)) == 8
    assert groups[-1] == "other"
    assert {point["group"] for point in spec["data"]["values"]} == set(groups)


def test_neighbours_are_the_nearest_by_cosine(artifacts):
    section = report_content(artifacts, "shop").items
    factors = np.asarray(artifacts.model.factors.items, np.float64)
    units = factors / np.linalg.norm(factors, axis=1, keepdims=True)
    ids = artifacts.model.item_ids.to_list()
    plain = [card for card in section.cards if card.item_id.startswith("plain-")]
    assert len(plain) > 5
    for card in plain:
        cosine = units @ units[ids.index(card.item_id)]
        cosine[ids.index(card.item_id)] = -2
        assert card.neighbours[0].similarity == f"{cosine.max():.2f}"
        similarities = [float(row.similarity) for row in card.neighbours]
        assert similarities == sorted(similarities, reverse=True)


def test_agreement_counts_categories(artifacts):
    text = report_content(artifacts, "shop").items.agreement
    assert text.startswith("The nearest neighbour has the same category for ")
