"""Versions on disk: the list of them, and the return to an earlier one, which the next run keeps."""

import json
import shutil

import polars as pl
import pytest

from tests.in_process import als_here, done, failed
from tests.shop import write_shop

OUTPUTS = ("lists", "lists.parquet")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A shop with two versions of the model and of both kinds of lists: three items, then four."""
    folder = tmp_path_factory.mktemp("versions")
    config = write_shop(folder)
    for number in (3, 4):
        settings = ("--set", f"train.iterations={number}", "--set", f"recommend.top_n={number}")
        for output in OUTPUTS:
            done("run", "-c", config, *settings, "--set", f"recommend.output.path={folder / output}")
    return folder


@pytest.fixture
def shop(made, tmp_path):
    shutil.copytree(made, tmp_path / "shop", symlinks=True)
    return tmp_path / "shop"


def settings(shop, output):
    return (
        "--set", "train.iterations=4", "--set", "recommend.top_n=4", "--set", f"recommend.output.path={shop / output}",
    )  # fmt: skip


def versions(shop, output):
    found = done("versions", "-c", shop / "shop.yaml", *settings(shop, output))
    return {of: [one for one in found["versions"] if one["of"] == of] for of in ("lists", "model", "dataset")}


def length(shop, output):
    path = shop / output / "part-*.parquet" if output == "lists" else shop / output
    return pl.read_parquet(path)["rank"].max()


def statuses(report):
    return {stage["stage"]: stage["status"] for stage in report["stages"]}


@pytest.mark.parametrize("output", OUTPUTS)
def test_all_versions_are_listed_the_newest_first(shop, output):
    found = versions(shop, output)
    assert [one["published"] for one in found["lists"]] == [True, False]
    assert [one["published"] for one in found["model"]] == [True, False]
    assert len(found["dataset"]) == 1
    assert found["lists"] == sorted(found["lists"], key=lambda one: one["version"], reverse=True)
    assert all(one["bytes"] > 0 for one in found["lists"])
    table = als_here("versions", "-c", shop / "shop.yaml", *settings(shop, output)).stdout
    assert all(one["version"] in table for one in found["lists"])


@pytest.mark.parametrize("output", OUTPUTS)
def test_a_rollback_of_lists_publishes_the_version_before_and_the_next_run_keeps_it(shop, output):
    config = shop / "shop.yaml"
    newest, earlier = (one["version"] for one in versions(shop, output)["lists"])
    assert length(shop, output) == 4
    report = done("rollback", "-c", config, *settings(shop, output))
    assert (report["of"], report["version"], report["left"]) == ("lists", earlier, newest)
    assert length(shop, output) == 3
    beside = json.loads((shop / f"{output}.manifest.json").read_text())
    assert beside["config"]["recommend"]["top_n"] == 3
    for _ in range(2):
        ended = done("run", "-c", config, *settings(shop, output))
        assert statuses(ended) == {
            "ingest": "up_to_date", "evaluate": "up_to_date", "train": "up_to_date", "recommend": "rolled_back",
        }  # fmt: skip
        assert length(shop, output) == 3


@pytest.mark.parametrize("output", OUTPUTS)
def test_a_run_after_a_change_or_with_force_publishes_new_lists(shop, output):
    config = shop / "shop.yaml"
    done("rollback", "-c", config, *settings(shop, output))
    changed = [*settings(shop, output), "--set", "recommend.top_n=2"]
    assert statuses(done("run", "-c", config, *changed))["recommend"] == "done"
    assert length(shop, output) == 2
    # The publication ended the rollback, so these lists are made again.
    assert statuses(done("run", "-c", config, *settings(shop, output)))["recommend"] == "done"
    assert length(shop, output) == 4
    done("rollback", "-c", config, *settings(shop, output))
    ended = done("run", "-c", config, *settings(shop, output), "--force")
    assert statuses(ended)["recommend"] == "done"
    assert length(shop, output) == 4


def test_a_second_rollback_goes_one_version_further_and_is_kept_too(shop):
    config = shop / "shop.yaml"
    for number in (5, 6):
        done("recommend", "-c", config, *settings(shop, "lists"), "--set", f"recommend.top_n={number}")
    last = [*settings(shop, "lists"), "--set", "recommend.top_n=6"]
    for expected in (5, 4):
        done("rollback", "-c", config, *last)
        assert length(shop, "lists") == expected
        assert statuses(done("run", "-c", config, *last))["recommend"] == "rolled_back"


PLACES = {
    "folder": "{{path: {folder}/lists, keep: 3}}",
    "file": "{{path: {folder}/lists.parquet, keep: 3}}",
    "delta": "{{path: {folder}/delta, format: delta, keep: 3}}",
    "duckdb": "{{keep: 3, database: {{uri: 'duckdb:///{folder}/lists.duckdb', table: recs}}}}",
    "sqlite": "{{keep: 3, database: {{uri: 'sqlite:///{folder}/lists.sqlite', table: recs}}}}",
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    for stage in ("ingest", "train"):
        done(stage, "-c", write_shop(folder))
    return folder


@pytest.mark.parametrize("place", PLACES)
def test_a_rollback_never_publishes_lists_that_a_rollback_left(trained, tmp_path, place):
    """The lists of length 6 were rolled back. After new lists, the version before is that of length 5."""
    folder = shutil.copytree(trained, tmp_path / "shop", symlinks=True)
    options = ("-c", folder / "shop.yaml", "--set", f"recommend.output={PLACES[place].format(folder=folder)}")

    lengths: dict[str, int] = {}

    def stored():
        return [one for one in done("versions", *options)["versions"] if one["of"] == "lists"]

    def published():
        [current] = [one["version"] for one in stored() if one["published"]]
        return current

    def publish(length):
        done("recommend", *options, "--top-n", length)
        lengths[published()] = length

    def rolled_back():
        done("rollback", *options)
        return lengths[published()]

    for length in (4, 5, 6):
        publish(length)
    assert rolled_back() == 5
    publish(7)
    assert sorted(lengths[one["version"]] for one in stored()) == [4, 5, 7]  # 6 was removed first
    assert rolled_back() == 5
    publish(8)
    publish(7)  # the same lists as those that were left
    assert rolled_back() == 8
    assert rolled_back() == 5


def test_a_version_is_published_by_its_id(shop):
    config = shop / "shop.yaml"
    newest, earlier = (one["version"] for one in versions(shop, "lists")["lists"])
    for wanted, expected in ((earlier, 3), (newest, 4), (newest, 4)):
        done("rollback", wanted, "-c", config, *settings(shop, "lists"))
        assert length(shop, "lists") == expected
    assert statuses(done("run", "-c", config, *settings(shop, "lists")))["recommend"] == "up_to_date"


def test_a_rollback_of_the_model_gives_lists_of_the_earlier_model(shop):
    config = shop / "shop.yaml"
    before = (shop / "lists.manifest.json").read_bytes()
    done("rollback", "--of", "model", "-c", config, *settings(shop, "lists"))
    ended = statuses(done("run", "-c", config, *settings(shop, "lists")))
    assert (ended["train"], ended["recommend"]) == ("rolled_back", "done")
    assert (shop / "lists.manifest.json").read_bytes() != before


def test_errors_name_the_version_and_the_place(shop):
    config = shop / "shop.yaml"
    assert "there is no version 2026" in failed(2, "rollback", "2026", "-c", config)["message"]
    assert "there are no versions of cake" in failed(2, "rollback", "--of", "cake", "-c", config)["message"]
    error = failed(4, "rollback", "--of", "dataset", "-c", config)
    assert f"there is no earlier version of {shop}/work/dataset" in error["message"]
    assert (
        "there are no versions of lists"
        in failed(2, "rollback", "-c", config, "--set", "recommend.output.path=-")["message"]
    )


def test_a_damaged_version_is_not_published(shop):
    config = shop / "shop.yaml"
    _, earlier = versions(shop, "lists")["lists"]
    (part,) = (shop / ".lists.versions" / earlier["version"] / "lists").iterdir()
    damaged = bytearray(part.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    part.write_bytes(damaged)
    error = failed(4, "rollback", "-c", config, *settings(shop, "lists"))
    assert f"{part} differs from its manifest" in error["message"]
    assert length(shop, "lists") == 4


def test_without_versions_the_list_is_empty(tmp_path):
    ended = als_here("versions", "-c", write_shop(tmp_path))
    assert (ended.returncode, ended.stdout.strip()) == (0, "no versions")
