"""Candidates of completion, and the libraries that they import."""

import json
import os
import subprocess
import sys

import polars as pl
import pytest
from typer.main import get_command

from als_cli.cli import app
from als_cli.console.completion.answer import VARIABLE, answer
from als_cli.console.completion.bash_words import insertable, read_line
from als_cli.console.completion.candidates import candidates_for, read_words
from tests.imports import imports_of
from tests.in_process import als_here

COMMAND = get_command(app)
BREAKS = " \t\n\"'@><=;|&(:"


def offered(*words):
    """Return the candidates for the last of `words`, which follow `als`."""
    return [one.value for one in candidates_for(COMMAND, words[:-1], words[-1])]


def commands(group=COMMAND, path=()):
    for name, command in group.commands.items():
        yield (*path, name), command
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))


@pytest.mark.parametrize(
    ("path", "command"), list(commands()), ids=lambda one: " ".join(one) if isinstance(one, tuple) else ""
)
def test_all_subcommands_and_options_are_offered(path, command):
    assert path[-1] in offered(*path[:-1], path[-1][:1])
    long = {name for one in command.params for name in one.opts if name.startswith("--")}
    assert set(offered(*path, "--")) == long | {"--help"}


@pytest.mark.parametrize(
    ("words", "candidates"),
    [
        (["train", "--set", "train.en"], ["train.engine="]),
        (["train", "--set", "train.engine="], ["train.engine=native", "train.engine=implicit"]),
        (["train", "--set", "evaluate.rules="], ["evaluate.rules=true", "evaluate.rules=false"]),
        (["train", "--set", "evaluate.split.b"], ["evaluate.split.by="]),
        (["train", "--set", "evaluate.split.by=t"], ["evaluate.split.by=time"]),
        (["train", "--set", "train.fo"], ["train.fold_in."]),
        (["train", "--set", "events.half_life="], [f"events.half_life={one}" for one in ("30d", "12h", "90m", "null")]),
        (["train", "--set", "nonsense."], []),
        (["train", "--set", "nonsense=x"], []),
        (["train", "--set", "train.engine.x="], []),
        (["train", "--log-format", ""], ["text", "json"]),
        (["train", "--log-format=j"], ["--log-format=json"]),
        (["train", "--quiet", "--qu"], []),
        (["train", "--set", "a=b", "--se"], ["--set"]),
        (["train", "--threads", ""], []),
        (["-", ""], []),
        (["explain", "train.fold_in.h"], ["train.fold_in.half_life"]),
        (["explain", "events.source.p"], ["events.source.path"]),
        (["completion", ""], ["bash", "zsh", "fish"]),
        (["completion", "bash", "-"], ["--help"]),
        (["rollback", "--of", "m"], ["model"]),
    ],
)  # fmt: skip
def test_values(words, candidates):
    assert sorted(offered(*words)) == sorted(candidates)


def test_words_are_read_as_the_command_line_reads_them():
    typed = read_words(
        COMMAND, ["show", "user", "-cshop.yaml", "--set=a=1", "--set", "b=2", "-v", "--", "-7"]
    )
    assert typed.command.name == "user"
    assert typed.values["config"] == ["shop.yaml"]
    assert typed.values["set_"] == ["a=1", "b=2"]
    assert typed.values["user_id"] == ["-7"]


def test_paths(tmp_path, monkeypatch):
    for name in ("shop.yaml", "shop.yml", "notes.txt", ".hidden.yaml"):
        (tmp_path / name).touch()
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path)
    assert offered("train", "-c", "") == ["shop.yaml", "shop.yml", "sub/"]
    assert offered("train", "-c", f"{tmp_path}/.h") == [f"{tmp_path}/.hidden.yaml"]
    assert offered("train", "--log-file", "n") == ["notes.txt"]
    assert offered("train", "--set", "events.source=n") == ["events.source=notes.txt"]
    assert offered("audience", "--items", "su") == ["sub/"]


def test_versions_for_rollback(tmp_path):
    (tmp_path / "shop.yaml").write_text(
        "events: {source: e.csv}\nworkspace: w\nrecommend: {output: {path: lists.parquet}}\n"
    )
    rows = ["user_id,item_id", *(f"u{n % 7},i{n % 5}" for n in range(60))]
    (tmp_path / "e.csv").write_text("\n".join(rows) + "\n")
    for _ in range(2):
        ended = als_here("ingest", "-c", tmp_path / "shop.yaml")
        assert ended.returncode == 0, ended.stderr
    listed = als_here("versions", "-c", tmp_path / "shop.yaml", "--json")
    ids = [one["version"] for one in json.loads(listed.stdout)["versions"] if one["of"] == "dataset"]
    assert ids
    assert offered("rollback", "-c", f"{tmp_path}/shop.yaml", "--of", "dataset", "") == ids
    assert offered("rollback", "-c", f"{tmp_path}/shop.yaml", "") == []
    assert offered("show", "user", "-c", f"{tmp_path}/shop.yaml", "u") == [f"u{n}" for n in range(7)]
    elsewhere = ["-c", f"{tmp_path}/shop.yaml", "--set", f"workspace={tmp_path}/nowhere"]
    with pytest.raises(OSError, match="nowhere"):
        offered("show", "user", *elsewhere, "u")


@pytest.mark.parametrize(
    "arguments",
    [
        ["bash"],
        ["bash", "als show user -c x", "x", ""],
        ["fish"],
        ["zsh", "show", "user", "-c", "missing.yaml", ""],
    ],
)
def test_failures_are_quiet(arguments, capfd):
    answer(COMMAND, arguments[0], arguments[1:])
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("line", "words", "start", "quote", "kept"),
    [
        ("als train ", ["als", "train"], "", "", 0),
        ("als --set a=b", ["als", "--set"], "a=b", "", 2),
        ("als --set a=", ["als", "--set"], "a=", "", 2),
        ("als 'a b' c\\ d", ["als", "a b"], "c d", "", 0),
        ("als 'a=b", ["als"], "a=b", "'", 0),
        ('als "a\\"b', ["als"], 'a"b', '"', 0),
        ("als '' x", ["als", ""], "x", "", 0),
        ("als a:b=c", ["als"], "a:b=c", "", 4),
    ],
)
def test_lines_of_bash(line, words, start, quote, kept):
    read = read_line(line, BREAKS)
    assert (read.words, read.start, read.quote, read.kept) == (words, start, quote, kept)


@pytest.mark.parametrize(
    ("line", "value", "text"),
    [
        ("als a=", "a=b c", "b\\ c"),
        ("als '", "it's", None),
        ("als 'i", "is it", "is it"),
        ('als "', 'a$`"\\', 'a\\$\\`\\"\\\\'),
        ("als ~/", "~/a b", "~/a\\ b"),
        ("als ", "~x", "\\~x"),
    ],
)
def test_text_that_bash_inserts(line, value, text):
    assert list(insertable(iter([value]), read_line(line, BREAKS))) == ([] if text is None else [text])


def test_completion_imports_no_heavy_library():
    heavy = {"numpy", "polars", "pyarrow", "numba", "implicit", "pydantic", "rich"}
    for words in (
        ["tr"],
        ["train", "--set", "train.eng"],
        ["train", "--set", "train.engine="],
        ["explain", "t"],
    ):
        found = {name.partition(".")[0] for name in imports_of(*words, **{VARIABLE: "fish"})}
        assert found & heavy == set()
    ids = imports_of("show", "user", "-c", "missing.yaml", "u", **{VARIABLE: "fish"})
    assert not any(name.startswith(("pydantic", "als_cli.stages", "als_cli.config.root")) for name in ids)


def test_ids_of_a_large_dataset_take_little_time(tmp_path):
    """A completion among a million ids takes less processor time than six starts of `als --version`."""
    (tmp_path / "work" / "dataset").mkdir(parents=True)
    (tmp_path / "shop.yaml").write_text("events: {source: e.csv}\n")
    ids = pl.select(
        pl.format("user-{}", pl.int_range(1_000_000).cast(pl.String).str.zfill(7)).alias("user_id")
    )
    ids.write_parquet(tmp_path / "work" / "dataset" / "users.parquet")
    line = ["show", "user", "-c", str(tmp_path / "shop.yaml"), "user-07"]
    seconds = min(processor_seconds(*line, **{VARIABLE: "fish"}) for _ in range(3))
    assert seconds < 6 * min(processor_seconds("--version") for _ in range(3))


def processor_seconds(*arguments, **environment):
    before = os.times()
    ended = subprocess.run(
        [sys.executable, "-m", "als_cli", *arguments],
        env=os.environ | environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    after = os.times()
    assert ended.stdout
    return after.children_user + after.children_system - before.children_user - before.children_system


def test_scripts_are_printed():
    for shell in ("bash", "zsh", "fish"):
        ended = als_here("completion", shell)
        assert (ended.returncode, ended.stderr) == (0, "")
        assert f"_ALS_COMPLETE={shell}" in ended.stdout
    ended = als_here("completion", "tcsh")
    assert ended.returncode == 2
    assert "expected bash, zsh or fish" in ended.stderr
