"""The config reference and docs/outputs.md name exactly the folders of a workspace."""

import re
from pathlib import Path

import pytest

from als_cli.config.descriptions import describe_keys
from als_cli.config.root import Config
from tests.in_process import als_here, done
from tests.shop import write_shop

OUTPUTS = (Path(__file__).parents[1] / "docs" / "outputs.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("workspace")
    config = write_shop(folder)
    hindsight = ["evaluate", "--published", folder / "lists", "--events", folder / "events.csv"]
    early = ["run", "--as-of", "2026-01-25"]
    for command in (early, hindsight, ["run"], ["backtest"], ["tune", "--trials", "2"]):
        ended = als_here(
            *command, "-c", config, "--set", "tune.folds=1", "--set", "evaluate.backtest.cut_offs=2"
        )
        assert ended.returncode == 0, ended.stderr
    return folder / "work"


def folders_of(workspace):
    # The shop has too few users for a choice of `auto`, so its folder is not made.
    return {path.name for path in workspace.iterdir() if path.is_dir() and path.name[0] != "."} | {"choice"}


def test_the_config_reference_names_the_folders(workspace):
    describe_keys()
    described = Config.model_fields["workspace"].description or ""
    assert set(re.findall(r"(\w+)/", described)) == folders_of(workspace)


def test_the_docs_name_the_folders_and_their_files(workspace):
    named = re.findall(r"^\| `WORKSPACE/([\w/.]+)` \|", OUTPUTS, re.MULTILINE)
    assert {place.split("/")[0] for place in named} == folders_of(workspace)
    assert [place for place in named if not (workspace / place).exists()] == ["choice/"]


@pytest.mark.parametrize("name", ["a[b", "[x]", "a*b?", "{a,b}", "a b%20", "日本"])
def test_a_folder_whose_name_has_characters_of_patterns(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    config = write_shop(folder)
    done("run", "-c", config)
    assert len(done("show", "user", "u001", "-c", config)["recommended"]) == 5
    assert done("show", "item", "i03", "-c", config)["title"] == "Red thing 3"
    done("recommend", "-c", config, "--top-n", 4)
    assert done("compare", "-c", config)["users"]["in_both"] == 120
