"""Completion in bash, zsh and fish, with the scripts of `als completion`."""

import polars as pl
import pytest

from tests.console.shell_sessions import offered_by_bash, offered_by_fish, words_after_tab
from tests.in_process import als_here

IDS = [
    "O'Neil",
    "\\$(touch hacked)",
    "a b",
    "a$(touch hacked)",
    "a:b",
    "c`touch hacked`",
    'd"e',
    "d;touch hacked",
    "u1",
    "u2x",
    "z\nz",
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    dataset = folder / "work" / "dataset"
    dataset.mkdir(parents=True)
    (folder / "shop.yaml").write_text("events: {source: e.csv}\n")
    (folder / "a b").mkdir()
    (folder / "notes.txt").touch()
    pl.DataFrame({"user_id": sorted(IDS)}).write_parquet(dataset / "users.parquet")
    pl.DataFrame({"item_id": [-7, 5, 40, 41]}).write_parquet(dataset / "items.parquet")
    return folder


SHELLS = pytest.mark.parametrize("shell", ["bash", "zsh"])


@SHELLS
@pytest.mark.parametrize(
    ("typed", "last"),
    [
        ("als sho", ["als", "show"]),
        ("als show us", ["show", "user"]),
        ("als train --thr", ["train", "--threads"]),
        ("als train --verify of", ["--verify", "off"]),
        ("als train --set train.eng", ["--set", "train.engine="]),
        ("als train --set train.engine=nat", ["--set", "train.engine=native"]),
        ("als train --set=train.engine=nat", ["--set=train.engine=native"]),
        ("als train --set evaluate.split.b", ["--set", "evaluate.split.by="]),
        ("als train -c sho", ["-c", "shop.yaml"]),
        ("als train -c ./sho", ["-c", "./shop.yaml"]),
        ("als train -c a", ["-c", "a b/"]),
        ("als show user -c shop.yaml u2", ["shop.yaml", "u2x"]),
        ("als show item -c shop.yaml 4", ["shop.yaml", "4"]),
        ("als show item -c shop.yaml 5", ["shop.yaml", "5"]),
        ("als explain recommend.rules.not", ["explain", "recommend.rules.not_shown"]),
        ("als rollback --of mod", ["--of", "model"]),
        ("als completion fi", ["completion", "fish"]),
    ],
)
def test_tab_completes_the_word(shell, typed, last, shop, tmp_path):
    assert words_after_tab(shell, typed, shop, tmp_path)[-len(last) :] == last


@SHELLS
@pytest.mark.parametrize(
    ("start", "wanted"),
    [
        ("a\\ ", "a b"),
        ("a\\$", "a$(touch hacked)"),
        ("a:", "a:b"),
        ("c", "c`touch hacked`"),
        ("d\\\"", 'd"e'),
        ("d\\;", "d;touch hacked"),
        ("O", "O'Neil"),
        ("\\\\", "\\$(touch hacked)"),
    ],
)  # fmt: skip
def test_ids_are_inserted_as_one_word_and_never_run(shell, start, wanted, shop, tmp_path):
    assert words_after_tab(shell, f"als show user -c shop.yaml {start}", shop, tmp_path)[-1] == wanted
    assert not (shop / "hacked").exists()


@SHELLS
def test_a_word_in_quotes_is_completed(shell, shop, tmp_path):
    words = words_after_tab(shell, 'als show user -c shop.yaml "d;', shop, tmp_path)
    assert words[-1] == "d;touch hacked"


@SHELLS
@pytest.mark.parametrize(
    "typed", ["als show user -c missing.yaml u", "als nonsense x", "als train --nonsense x"]
)
def test_a_failure_leaves_the_line_as_it_is(shell, typed, shop, tmp_path):
    assert words_after_tab(shell, typed, shop, tmp_path) == typed.split()


def test_a_config_in_the_home_folder(shop, tmp_path):
    (tmp_path / "home.yaml").touch()
    assert words_after_tab("bash", "als train -c ~/ho", shop, tmp_path)[-1] == str(tmp_path / "home.yaml")
    assert words_after_tab("zsh", "als train -c ~/ho", shop, tmp_path)[-1] == str(tmp_path / "home.yaml")


def test_zsh_loads_the_script_from_fpath(shop, tmp_path):
    (tmp_path / "functions").mkdir()
    (tmp_path / "functions" / "_als").write_text(als_here("completion", "zsh").stdout)
    prepare = f"fpath+={tmp_path}/functions; autoload -Uz compinit; compinit -u"
    for typed in ("als sho", "als show us"):
        assert words_after_tab("zsh", typed, shop, tmp_path, prepare)[-1] in ("show", "user")


def test_bash_offers_words_after_the_equals_sign(shop, tmp_path):
    assert offered_by_bash("als train --set train.engine=", shop, tmp_path) == ["native", "implicit"]
    assert offered_by_bash("als train --set train.s", shop, tmp_path) == ["train.seed=", "train.solver="]
    assert offered_by_bash("als train --set 'train.engine=n", shop, tmp_path) == ["train.engine=native"]
    assert offered_by_bash("als show ", shop, tmp_path) == ["data", "model", "user", "item", "config"]


def test_fish_offers_words_with_descriptions(shop, tmp_path):
    assert offered_by_fish("als train --set train.eng", shop, tmp_path) == [
        "train.engine=\tThe solver: `native` (fast, exact for short rows) or `implicit` (the library with this name)."
    ]
    assert offered_by_fish("als train --set train.engine=", shop, tmp_path) == [
        "train.engine=implicit",
        "train.engine=native",
    ]
    assert [line.partition("\t")[0] for line in offered_by_fish("als show ", shop, tmp_path)] == [
        "config", "data", "item", "model", "user",
    ]  # fmt: skip
    assert offered_by_fish("als train -c sho", shop, tmp_path) == ["shop.yaml"]


def test_fish_offers_ids_and_runs_none(shop, tmp_path):
    assert offered_by_fish("als show item -c shop.yaml 4", shop, tmp_path) == ["40", "41"]
    offered = offered_by_fish("als show user -c shop.yaml a", shop, tmp_path)
    assert sorted(offered) == ["a b", "a$(touch hacked)", "a:b"]
    assert offered_by_fish("als show user -c shop.yaml 'a ", shop, tmp_path) == ["a b"]
    assert not (shop / "hacked").exists()
