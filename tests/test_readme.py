"""The README and the docs are correct: commands run, and flags, keys, links, exit codes and columns exist."""

import functools
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from als_cli.config.loading import load_config
from als_cli.errors import ExitCode
from als_cli.events.checks import REASONS
from tests.docs_pages import LATER
from tests.in_process import als_here

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in [
        ROOT / "README.md",
        ROOT / "CHANGELOG.md",
        *sorted((ROOT / "docs").rglob("*.md")),
        *sorted((ROOT / "configs").glob("*.yaml")),
    ]
}
QUICK_START = re.findall(r"^```bash\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def als(*arguments):
    """Return the finished command `als`, run in the root of the repository with 100 columns."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("COLUMNS", "100")
        return als_here(*arguments, cwd=ROOT)


def commands_in(text):
    """Yield the arguments of each `als` command in `text`: in code blocks, pipes and backticks."""
    for block in re.findall(r"^```(?:sh|bash)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            for part in re.split(r"\||&&|\s#", line):
                found = re.search(r"(?:^|\s|/)als (.+)", part)
                if found:
                    yield shlex.split(found[1].split(" > ")[0])
    yield from (shlex.split(found) for found in re.findall(r"`als ([a-z][^`]*)`", text))


def words_and_flags(command):
    """Return the words of the subcommand, and its flags."""
    words = command[: 2 if command[0] in ("show", "similar") else 1]
    return tuple(words), [word.split("=")[0] for word in command if word.startswith("-") and word != "-"]


@functools.cache
def help_of(words):
    ended = als(*words, "--help")
    assert ended.returncode == 0, f"als {' '.join(words)} --help: {ended.stderr}"
    return ended.stdout


ALL_COMMANDS = sorted(
    {(page, *command) for page, text in PAGES.items() if page not in LATER for command in commands_in(text)}
)


def test_the_readme_has_two_bash_commands():
    assert len(QUICK_START) == 2
    for block in QUICK_START:
        joined = block.replace("\\\n", " ").strip()
        assert "\n" not in joined
        assert joined.startswith("python3 -m venv .venv")
        assert "--constraint constraints.txt" in joined


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Run the first README command on the source tree, and return its output folder and its stdout per command."""
    folder = tmp_path_factory.mktemp("quickstart")
    elsewhere = [
        "--set",
        f"workspace={folder / 'work'}",
        "--set",
        f"recommend.output.path={folder / 'lists.parquet'}",
    ]
    printed = []
    for command in commands_in(f"```bash\n{QUICK_START[0]}```\n"):
        more = ["--json"] if command[0] == "run" else []
        ended = als(*command, *elsewhere, *more)
        assert ended.returncode == 0, ended.stderr
        assert ended.stderr == ""
        printed.append(ended.stdout)
    return folder, printed


def test_the_first_command_prints_titles(finished):
    titles = pl.read_parquet(ROOT / "sample_data" / "catalog.parquet")["title"]
    assert sum(title in finished[1][-1] for title in titles) >= 10


def test_the_first_command_prints_the_items_that_the_readme_shows(finished):
    shown = re.findall(r"^(\S.*?) +(\d{4}-\d\d-\d\d) +\d  (\S.*?) +\d\.\d+ +\d\.\d+$", README, re.MULTILINE)
    assert len(shown) == 3
    printed = finished[1][-1]
    for history, day, recommended in shown:
        assert re.search(rf"^{history} +{day} ", printed, re.MULTILINE)
        assert re.search(rf" {recommended} +\d\.\d+ +\d\.\d+ *$", printed, re.MULTILINE)


def test_als_is_better_than_popularity_on_the_sample_data(finished):
    stages = {stage["stage"]: stage["report"] for stage in json.loads(finished[1][0])["stages"]}
    ndcg = {one["method"]: one["metrics"]["ndcg@10"] for one in stages["evaluate"]["methods"]}
    assert ndcg["als"] > 1.5 * ndcg["popular"] > 0


def test_every_artifact_and_column_is_described(finished):
    folder, _ = finished
    described = PAGES["docs/outputs.md"]
    places = [*folder.glob("work/*/*"), *folder.glob("lists*")]
    files = [path for path in places if path.is_file() and path.name not in (".published", ".before")]
    assert len(files) > 10
    names = {re.sub(r"^lists\.parquet", "NAME", path.name) for path in files}
    assert [name for name in sorted(names) if f"`{name}`" not in described] == []
    columns = {name for path in files if path.suffix == ".parquet" for name in pl.read_parquet_schema(path)}
    columns |= {name for path in files if path.suffix == ".arrow" for name in pl.read_ipc_schema(path)}
    assert [name for name in sorted(columns) if f"`{name}`" not in described] == []


@pytest.mark.parametrize("command", ALL_COMMANDS, ids=" ".join)
def test_every_command_line_in_the_docs_exists(command):
    _, *line = command
    words, flags = words_and_flags(line)
    known = re.findall(r"(?<![\w-])--?[a-z][a-z-]*", help_of(words))
    assert [flag for flag in flags if flag not in known] == []
    settings = [line[position + 1] for position, word in enumerate(line) if word == "--set"]
    load_config(ROOT / "configs" / "reference.yaml", settings, environment={})


def test_every_command_and_option_is_in_the_readme():
    commands = set(re.findall(r"^│ ([a-z]+) ", help_of(()), re.MULTILINE))
    assert commands >= {"ingest", "train", "evaluate", "recommend", "run", "show"}
    assert [name for name in sorted(commands) if f"als {name} " not in README] == []
    options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", help_of(("ingest",)))) - {"--help"}
    assert [name for name in sorted(options) if name not in README] == []


@pytest.mark.parametrize("page", ["README.md", "docs/operations.md"])
def test_every_exit_code_is_documented(page):
    codes = {
        int(code)
        for row in re.findall(r"^\| ([\d, ]+) \|", PAGES[page], re.MULTILINE)
        for code in row.split(",")
    }
    assert codes == {int(code) for code in ExitCode} | {141}


@pytest.mark.parametrize("page", [page for page in PAGES if page.endswith(".md")])
def test_every_link_target_exists(page):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", PAGES[page])
    assert [link for link in links if not (ROOT / page).parent.joinpath(link).exists()] == []


def test_the_python_examples_of_the_docs_open_the_factors(finished):
    section = PAGES["docs/outputs.md"].partition("\n## Model\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"^```python\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 2
    code = (
        "\n".join(blocks).replace("work/shop", str(finished[0] / "work"))
        + "print(scores.shape == (users.height, items.height) == (users.height, len(first)))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ended.stdout, ended.stderr) == ("True\n", "")


def test_every_reason_of_rejected_rows_is_described():
    assert [reason for reason in REASONS if f"`{reason}`" not in PAGES["docs/outputs.md"]] == []


def test_every_yaml_in_the_docs_is_valid(tmp_path):
    blocks = [
        block
        for text in PAGES.values()
        for block in re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    ]
    assert len(blocks) >= 2
    for block in blocks:
        config = tmp_path / "example.yaml"
        config.write_text(
            block if "events:" in block else f"events: {{source: events.csv}}\n{block}", encoding="utf-8"
        )
        load_config(config, environment={})
