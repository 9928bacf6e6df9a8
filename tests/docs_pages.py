"""The pages of the docs that tests run: their blocks, a folder to run them in, and the comparison of their output."""

import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.in_process import als_here

ROOT = Path(__file__).parents[1]
LATER: tuple[str, ...] = ()
"""Pages about commands that are not part of this version yet. Their commands are not checked."""
PAGES = tuple(
    path.relative_to(ROOT).as_posix()
    for path in [
        ROOT / "docs" / "quickstart.md",
        ROOT / "docs" / "your-own-events.md",
        *sorted((ROOT / "docs" / "guides").glob("*.md")),
        *sorted((ROOT / "docs" / "concepts").glob("*.md")),
    ]
)
"""The pages whose blocks run, as paths from the root of the repository."""

_BLOCK = re.compile(
    r"^(?:<!-- not run: (?P<reason>\S.*?) -->\n)?```(?P<language>\w+)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_FILE = re.compile(r"(?:#|--) (\S+\.(?:py|sql|yaml|yml))\n")
_SIMPLE = re.compile(r"als [^|<>&;$*()`]*")
_NUMBER = re.compile(r"[+-]?\d[\d,]*(?:\.\d+)?")
_WORD = re.compile(r"…|(?<![\w.:/-])[+-]?\d[\d,]*(?:\.\d+)?(?![\w:/-]|\.\d)")


@dataclass(frozen=True)
class Block:
    """One block of code of a page."""

    language: str
    text: str
    reason: str | None
    """Why tests do not run the block, or None."""
    output: str | None
    """The output that the page shows below the block, or None."""

    @property
    def file(self) -> str | None:
        """The file that the block is the content of: its first line is a comment with the name."""
        found = _FILE.match(self.text)
        return found[1] if found else None


def blocks_of(page: str) -> list[Block]:
    """Return the blocks of `page` in order. A block of language `text` directly below another one is its output."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = list(_BLOCK.finditer(text))
    blocks = []
    for position, one in enumerate(found):
        below = found[position + 1] if position + 1 < len(found) else None
        shown = below and below["language"] == "text" and not text[one.end() : below.start()].strip()
        blocks.append(
            Block(one["language"], one["text"], one["reason"], below["text"] if below and shown else None)
        )
    return blocks


@dataclass
class Reader:
    """A person who works through a page in `folder`: writes its files, and runs its commands and Python blocks."""

    folder: Path
    programs: tuple[Path, ...] = ()
    """Folders with further programs for the shell."""
    names: dict[str, object] = field(default_factory=dict)

    def run(self, block: Block) -> str | None:
        """Run `block`, and return its output. Return None if the block is neither a file nor a command."""
        if block.reason is not None:
            return None
        if block.file is not None:
            path = self.folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
            return None
        if block.language == "python":
            return self._python(block)
        if block.language in ("bash", "sh"):
            return self._shell(block)
        return None

    def _python(self, block: Block) -> str:
        printed = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
        with contextlib.redirect_stdout(printed), contextlib.chdir(self.folder):
            exec(compile(block.text, "<block of a page>", "exec"), self.names)
        printed.seek(0)
        return printed.read()

    def _shell(self, block: Block) -> str:
        if re.search(r"\bjq ", block.text) and shutil.which("jq") is None:
            pytest.skip("jq is not installed, so the pages that use it do not run")
        commands = list(_commands(block.text))
        may_fail = "error: " in (block.output or "")
        if all(_SIMPLE.fullmatch(command) for command in commands):
            return "".join(self._als(command, may_fail) for command in commands)
        path = os.pathsep.join(
            [str(Path(sys.executable).parent), *map(str, self.programs), os.environ["PATH"]]
        )
        ended = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block.text],
            cwd=self.folder,
            env=os.environ | {"PATH": path, "COLUMNS": "80"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert may_fail or ended.returncode == 0, f"{block.text}\n{ended.stdout}"
        return ended.stdout

    def _als(self, command: str, may_fail: bool) -> str:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("TERM", "dumb")  # no colours, and no movement of the cursor
            environment.setenv("COLUMNS", "80")
            ended = als_here(*shlex.split(command)[1:], cwd=self.folder, at_terminal=True)
        assert may_fail or ended.returncode == 0, f"{command}\n{ended.stdout}"
        return ended.stdout


def _commands(text: str) -> Iterator[str]:
    """Yield the lines of a shell block without comments and with continued lines joined."""
    for line in text.replace("\\\n", " ").splitlines():
        command = re.sub(r"(?:^|\s+)#.*", "", line).strip()
        if command:
            yield command


def difference(shown: str, real: str) -> str | None:
    """Return None if `real` is the output that a page shows, or else both as text.

    A line `…` stands for any lines, and `…` in a line for any text. Numbers may differ by 5 % or by one in their last
    digit, because kernels sum in another order on other processors. Seconds may differ. Empty lines and the width of
    gaps do not count.
    """
    wanted, found = ([line for line in text.splitlines() if line.strip()] for text in (shown, real))
    return None if _same_lines(wanted, found) else f"the page shows:\n{shown}\nthe real output is:\n{real}"


def _same_lines(wanted: list[str], found: list[str]) -> bool:
    if not wanted:
        return not found
    if wanted[0].strip() == "…":
        return any(_same_lines(wanted[1:], found[skipped:]) for skipped in range(len(found) + 1))
    return bool(found) and _same_line(wanted[0], found[0]) and _same_lines(wanted[1:], found[1:])


def _same_line(wanted: str, found: str) -> bool:
    wanted, found = (re.sub(r"\b[\d.]+ s\b", "N s", " ".join(line.split())) for line in (wanted, found))
    numbers = [word for word in _WORD.findall(wanted) if word != "…"]
    pattern = ""
    end = 0
    for word in _WORD.finditer(wanted):
        pattern += re.escape(wanted[end : word.start()])
        pattern += ".*?" if word[0] == "…" else f"({_NUMBER.pattern})"
        end = word.end()
    matched = re.fullmatch(pattern + re.escape(wanted[end:]), found)
    return matched is not None and all(map(_close, numbers, matched.groups()))


def _close(wanted: str, found: str) -> bool:
    one, other = (float(number.replace(",", "")) for number in (wanted, found))
    last_digit = 10.0 ** -len(wanted.partition(".")[2])
    return abs(one - other) <= max(0.05 * abs(one), 1.01 * last_digit)
