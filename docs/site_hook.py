"""Hooks of mkdocs: the site contains the files of the repository that its pages link to, and all decisions.

Pages link to configs and sources with relative paths, as GitHub needs them. The site has no such files. So the site gets
a copy of each linked file as plain text, and the links lead to the copy. Links to folders become plain text.
"""

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
COPIES = "repository"
"""Folder of the site for files of the repository."""
_LINK = re.compile(r"\[([^\]]*)\]\(((?:\.\./)+[^)#\s]+)(#[^)\s]*)?\)")


def on_config(config: Any) -> Any:
    """Replace the folder of decisions in the navigation by its pages: first the contents, then all by number."""
    for entry in config["nav"]:
        for title, place in entry.items():
            if isinstance(place, str) and place.endswith("/"):
                pages = sorted((ROOT / "docs" / place).glob("[0-9]*.md"))
                entry[title] = [f"{place}README.md", *(f"{place}{page.name}" for page in pages)]
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add a copy of each file of the repository that a page links to."""
    for page in list(files.documentation_pages()):
        for link in _LINK.finditer(page.content_string):
            path = _outside(page.src_uri, link[2])
            if path and (ROOT / path).is_file() and _copy(path) not in files.src_uris:
                text = (ROOT / path).read_text(encoding="utf-8")
                files.append(File.generated(config, _copy(path), content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Return `markdown` with links to the copies instead of links to files of the repository."""

    def replaced(link: re.Match[str]) -> str:
        path = _outside(page.file.src_uri, link[2])
        if path is None or not (ROOT / path).exists():
            return link[0]
        if (ROOT / path).is_dir():
            return link[1]
        return f"[{link[1]}]({posixpath.relpath(_copy(path), posixpath.dirname(page.file.src_uri))})"

    return _LINK.sub(replaced, markdown)


def _outside(page: str, link: str) -> str | None:
    """Return the path of `link` from the root of the repository, or None if the target is in the docs."""
    target = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page), link))
    return None if target.startswith(("docs/", "..")) else target


def _copy(path: str) -> str:
    return f"{COPIES}/{path}.txt"
