# ruff: noqa: INP001, T201 - a script, not a package
"""Run the blocks of pages of the docs, and write the real output below the blocks whose output has changed.

    python docs/make_outputs.py [PAGE ...]

Lines and parts that a page leaves out (`…`) stay left out. Without pages, all tested pages that need no server run. Read
the difference afterwards: sentences around a block may name the old figures, and a line that no longer exists stays.
"""

import re
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.docs_pages import PAGES, Reader, blocks_of, difference  # noqa: E402

NEEDS_SERVER = "docs/guides/postgresql.md"
_NUMBER = re.compile(r"[+-]?\d[\d,]*(?:\.\d+)?")


def updated(shown: str, real: str) -> str:
    """Return `shown` with the lines of the `real` output, apart from what it leaves out."""
    if "…" not in shown:
        return real.rstrip() + "\n"
    lines, found, first = [], real.splitlines(), 0
    for line in shown.splitlines():
        later = range(first, len(found))
        place = next((n for n in later if _same_words(line, found[n])), None)
        if place is None and "…" not in line:
            place = next((n for n in later if line.split()[:1] == found[n].split()[:1]), None)
        if line.strip() in ("", "…") or place is None:
            lines.append(line)
            continue
        lines.append(_with_numbers(line, found[place]))
        first = place + 1
    return "\n".join(lines) + "\n"


def _pattern(line: str) -> str:
    """Return a pattern for lines with the words of `line` and any numbers."""
    parts = re.split(rf"({_NUMBER.pattern}|…|\s+)", line.strip())
    return "".join(
        r"\s+" if part.isspace() else ".*?" if part == "…" else f"({_NUMBER.pattern})" if _NUMBER.fullmatch(part) else re.escape(part)
        for part in parts
    )  # fmt: skip


def _same_words(line: str, other: str) -> bool:
    return re.fullmatch(_pattern(line), other.strip()) is not None


def _with_numbers(line: str, other: str) -> str:
    if "…" not in line:
        return other.rstrip()
    matched = re.fullmatch(_pattern(line), other.strip())
    numbers = iter(matched.groups() if matched else ())
    return _NUMBER.sub(lambda old: next(numbers, old[0]), line)


def update(page: str) -> int:
    """Write the outputs of `page` that have changed, and return their number."""
    changed, path = 0, ROOT / page
    with tempfile.TemporaryDirectory(prefix="als-", dir="/tmp") as folder:
        for name in ("configs", "sample_data"):
            shutil.copytree(ROOT / name, Path(folder) / name)
        reader = Reader(Path(folder))
        for block in blocks_of(page):
            real = reader.run(block)
            if block.output is None or block.reason is not None or real is None:
                continue
            if difference(block.output, real) is not None:
                text = path.read_text(encoding="utf-8")
                path.write_text(text.replace(block.output, updated(block.output, real), 1), encoding="utf-8")
                changed += 1
    return changed


if __name__ == "__main__":
    for name in sys.argv[1:] or [page for page in PAGES if page != NEEDS_SERVER]:
        print(name, update(name))
