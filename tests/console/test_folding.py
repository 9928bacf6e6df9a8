"""At a terminal long messages break between words; in a pipe each message stays on its line."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from tests.shop import als

ROOT = Path(__file__).parents[2]
CONFIG = "events: {source: e.csv}\nevaluate: {split: {by: time, test: 7x}, baselines: [populr]}\ntrain: {factors: many}\n"


@pytest.fixture
def shop(tmp_path):
    (tmp_path / "shop.yaml").write_text(CONFIG, encoding="utf-8")
    return tmp_path


def at_terminal(folder, columns, *arguments):
    """Return what the command writes to a terminal of so many columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "als_cli", *arguments], stdout=subprocess.DEVNULL, stderr=theirs, cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    os.close(theirs)
    said = b""
    try:
        while chunk := os.read(ours, 4096):
            said += chunk
    except OSError:  # the end of a terminal
        pass
    os.close(ours)
    assert process.wait(timeout=60) == 2
    return said.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("columns", [80, 40])
def test_lines_break_between_words(shop, columns):
    folded = at_terminal(shop, columns, "train", "-c", "shop.yaml")
    plain = als("train", "-c", "shop.yaml", cwd=shop).stderr
    assert max(map(len, folded.splitlines())) <= columns
    assert folded.split() == plain.split()
    assert len(folded.splitlines()) > len(plain.splitlines()) == 5


def test_a_path_stays_whole(shop):
    long = "folder-" * 20 + "shop.yaml"
    folded = at_terminal(shop, 80, "train", "-c", long)
    assert long in folded.split()


def test_continued_lines_are_indented(shop):
    lines = at_terminal(shop, 60, "train", "-c", "shop.yaml").splitlines()
    assert [line for line in lines if not line.startswith(("error: ", "  - ", "    ", "hint: "))] == []
