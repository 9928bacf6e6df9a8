"""Broken YAML: our own words, the right line, and no term of the parser."""

import re

import pytest

from als_cli.config.loading import load_config
from als_cli.errors import ConfigError
from tests.in_process import als_here

JARGON = re.compile(
    r"block (end|mapping|collection|node|scalar|sequence)|flow (sequence|mapping|node)|\bscalar|\btoken|\bnode\b|"
    r"directive|anchor|\balias|document start|stream|unhashable|constructor|tag:yaml|indicator|simple key|"
    r"<unicode string>|codec|month must|literal for|while (scanning|parsing|constructing)|recursion",
    re.IGNORECASE,
)

BROKEN = [
    ("an unclosed single quote", "workspace: 'work\n", 1, "quote"),
    ("an unclosed double quote", 'threads: 1\nworkspace: "work\ntrain: {}\n', 2, "quote"),
    ("a quote closed by the next line's", "workspace: 'work\nevents: {source: 'e.csv'}\n", 2, "indentation"),
    ("text after a quote", "workspace: 'my' work\n", 1, "after the closing quote"),
    ("an unclosed list", "evaluate:\n  at: [5, 10\n  seed: 1\n", 2, "the list that starts with `[`"),
    ("an unclosed list at the end", "evaluate:\n  at: [5, 10", 2, "the list that starts with `[`"),
    ("a list that ends in a comma only", "evaluate:\n  at: [5,", 2, "a value is missing"),
    ("a missing comma", "evaluate: {at: ['5' '10']}\n", 1, "the list that starts with `[`"),
    ("an unclosed brace", "threads: 1\ntrain: {seed: 1\nworkspace: w\n", 2, "the section that starts with `{`"),
    ("a stray bracket", "threads: 1\nworkspace: ]\n", 2, "a value is missing"),
    ("a stray comma", "workspace: ,\n", 1, "a value is missing"),
    ("a word without colon", "threads: 1\ntrain\nworkspace: w\n", 2, "no colon"),
    ("a last word without colon", "threads: 1\ntrain", 2, "no colon"),
    ("no space after the colon, first", "train:\n  factors:8\n  seed: 1\n", 2, "write `factors: 8`"),
    ("no space after the colon, between", "train:\n  seed: 1\n  factors:8\n  solver: auto\n", 3, "write `factors: 8`"),
    ("no space after the colon, at the top", "threads:1\nworkspace: w\n", 1, "write `threads: 1`"),
    ("two colons", "workspace: a: b\n", 1, "in quotes"),
    ("a key below a value", "threads: 1\n  workspace: w\n", 2, "indented"),
    ("a key between two levels", "train:\n    seed: 1\n  factors: 8\n", 3, "indentation"),
    ("a tab", "train:\n\tseed: 1\n", 2, "tab"),
    ("a tab after spaces", "train:\n  seed: 1\n\tfactors: 8\n", 3, "tab"),
    ("two documents", "threads: 1\n---\nthreads: 2\n", 2, "second document"),
    ("text after the end", "threads: 1\n...\nworkspace: w\n", 3, "after the end"),
    ("an unknown reference", "threads: 1\nworkspace: *work\n", 2, "in quotes"),
    ("a glob", "events:\n  source: *.csv\n", 2, "cannot start with `*`"),
    ("an ampersand", "events:\n  source: &.csv\n", 2, "cannot start with `&`"),
    ("a mark used twice", "workspace: &x a\nthreads: &x 1\n", 2, "`&x`"),
    ("a type of one's own", "threads: !number 1\n", 1, "`!number`"),
    ("a Python object", "x: !!python/object/apply:os.system ['true']\n", 1, "!!python/object"),
    ("an undefined prefix", "workspace: !x!y z\n", 1, "`!`"),
    ("an exclamation mark", "threads: 1\nworkspace: !<x y\n", 2, "`!`"),
    ("a percent sign", "events:\n  timestamp_format: %d.%m.%Y\n", 2, "cannot start with `%`"),
    ("a percent sign before a key", "threads: 1\n%x: 2\n", 2, "`%`"),
    ("a percent sign on the first line", "%x: 2\n", 1, "`%`"),
    ("an at sign", "workspace: @work\n", 1, "cannot start with `@`"),
    ("a backtick", "workspace: `work`\n", 1, "cannot start with ```"),
    ("a comparison", "recommend:\n  items:\n    where: > 5\n", 3, "cannot start with `>`"),
    ("a bar", "workspace: |x\n", 1, "cannot start with `|`"),
    ("a backslash", 'threads: 1\nworkspace: "C:\\data"\n', 2, "single quotes"),
    ("a broken escape", 'workspace: "\\xzz"\n', 1, "single quotes"),
    ("an entry beside its key", "evaluate:\n  at: - 5\n", 2, "list"),
    ("an entry below keys", "threads: 1\n- workspace\n", 2, "list"),
    ("a key below entries", "- threads\nworkspace: w\n", 2, "list"),
    ("a question mark", "workspace: ? x\n", 1, "`?`"),
    ("braces of a template", "workspace: {{ work }}\n", 1, "in quotes"),
    ("a list as a key", "? [threads]\n: 1\n", 1, "a key"),
    ("a merge of a number", "threads: 1\n<<: 3\n", 2, "`<<`"),
    ("a value that holds itself", "threads: 1\nevents: &x [*x]\n", 2, "itself"),
    ("a repeated key", "threads: 1\nworkspace: w\nthreads: 2\n", 3, "repeated"),
    ("a null byte", "threads: 1\nworkspace: w\x00\n", 2, "U+0000"),
    ("a bell", "threads: 1\nworkspace: w\x07\n", 2, "U+0007"),
    ("a version of the future", "%YAML 3.0\n---\nthreads: 1\n", 1, "`%`"),
    ("the version twice", "%YAML 1.1\n%YAML 1.1\n---\nthreads: 1\n", 2, "`%`"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "line", "says"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN]
)
def test_a_broken_file_is_told_in_our_words_with_file_and_line(tmp_path, text, line, says):
    file = tmp_path / "shop.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load_config(file, environment={})
    said = f"{refused.value.message}\n{refused.value.hint}"
    assert refused.value.message.startswith(f"{file}, line {line}: "), said
    assert says in said
    assert refused.value.hint
    assert not JARGON.search(said), said


def test_nesting_without_end_is_told_as_well(tmp_path):
    file = tmp_path / "shop.yaml"
    file.write_text("events: " + "[" * 5000, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"shop\.yaml: .*nested too deeply") as refused:
        load_config(file, environment={})
    assert not JARGON.search(refused.value.message)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("threads: 1\nworkspace: caf\u00e9\n".encode("latin-1"), ", line 2: the byte 0xe9 is not UTF-8"),
        ("threads: 1\n".encode("utf-16"), ": the file is UTF-16"),
        (bytes(range(128, 256)), ", line 1: the byte 0x80 is not UTF-8"),
    ],
)
def test_a_file_of_another_encoding_is_told_with_its_line(tmp_path, content, says):
    file = tmp_path / "shop.yaml"
    file.write_bytes(content)
    with pytest.raises(ConfigError) as refused:
        load_config(file, environment={})
    assert f"{file}{says}" in refused.value.message
    assert "UTF-8" in refused.value.hint
    assert not JARGON.search(refused.value.message)


def test_a_folder_is_no_config(tmp_path):
    with pytest.raises(ConfigError, match="is a folder") as refused:
        load_config(tmp_path, environment={})
    assert "Errno" not in refused.value.message


@pytest.mark.parametrize("text", ["2026-13-45", "9" * 5000, "!!int abc", "!!bool maybe"])
def test_what_only_looks_like_a_number_or_a_date_is_a_wrong_value_of_its_key(tmp_path, text):
    file = tmp_path / "shop.yaml"
    file.write_text(f"events: {{source: e}}\ntrain:\n  factors: {text}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"train\.factors \(line 3\): expected") as refused:
        load_config(file, environment={})
    assert not JARGON.search(refused.value.message)


def test_the_command_prints_it_and_exits_with_2(tmp_path):
    (tmp_path / "shop.yaml").write_text("train:\n  factors: [8\n", encoding="utf-8")
    ended = als_here("train", "-c", "shop.yaml", cwd=tmp_path)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.startswith("error: shop.yaml, line 2: the list that starts with `[`")


@pytest.mark.parametrize(
    "setting", ["evaluate.at=[5, 10", "evaluate.at={5", "events.source=*.csv", "train.factors=a: b: c"]
)
def test_a_broken_setting_names_its_key_and_no_line(tmp_path, setting):
    file = tmp_path / "shop.yaml"
    file.write_text("events: {source: e}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load_config(file, [setting], environment={})
    assert refused.value.message.startswith(f"--set {setting.partition('=')[0]}: ")
    assert not JARGON.search(f"{refused.value.message}\n{refused.value.hint}")
