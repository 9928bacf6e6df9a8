"""The site of the docs: it is built without a network and without a warning, and its pages load nothing from one."""

import os
import re
import subprocess
import sys
import tomllib
from html.parser import HTMLParser

import pytest
import yaml

from tests.docs_pages import ROOT

WITHOUT_NETWORK = """
import socket, sys

def refuse(*arguments, **keywords):
    raise OSError("the site is built without a network")

socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
from mkdocs.__main__ import cli
cli()
"""


class Links(HTMLParser):
    """Collects the files that a page loads, its links, and the text of its paragraphs and cells outside code."""

    def __init__(self, page):
        super().__init__()
        self.loaded, self.links, self.text, self.code, self.prose = [], [], [], 0, 0
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.code += tag in ("pre", "code", "script", "style")
        self.prose += tag in ("p", "td", "li")
        if tag == "a":
            self.links.append(values.get("href") or "")
        elif tag != "link" or values.get("rel") in ("stylesheet", "icon", "preload", "preconnect"):
            self.loaded += [values[name] for name in ("src", "href") if values.get(name)]

    def handle_endtag(self, tag):
        self.code -= tag in ("pre", "code", "script", "style")
        self.prose -= tag in ("p", "td", "li")

    def handle_data(self, data):
        if self.prose and not self.code:
            self.text.append(data)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Return the folder of the site, built without a network. A warning is an error."""
    folder = tmp_path_factory.mktemp("site")
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT_NETWORK, "build", "--strict", "--quiet", "--site-dir", folder],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "WARNING" not in ended.stderr
    return folder


def pages_of(site):
    return sorted(site.rglob("*.html"))


def test_every_page_of_the_docs_is_on_the_site(site):
    docs = ROOT / "docs"
    names = {path.relative_to(docs).with_suffix(".html").as_posix() for path in docs.rglob("*.md")}
    names = {re.sub(r"README\.html$", "index.html", name) for name in names}
    assert names | {"404.html"} == {page.relative_to(site).as_posix() for page in pages_of(site)}


def test_pages_load_nothing_from_a_network(site):
    for page in pages_of(site):
        found = Links(page).loaded
        assert found, page
        assert [target for target in found if re.match(r"(?:https?:)?//", target)] == [], page
    for sheet in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(?:https?:)?//|@import", sheet.read_text(encoding="utf-8")), sheet


def test_every_link_of_a_page_leads_to_a_file(site):
    count = 0
    for page in pages_of(site):
        if page.name == "404.html":  # its links start at the address of the site
            continue
        for link in Links(page).links:
            path = link.partition("#")[0]
            if path and not path.startswith("http"):
                count += 1
                assert (page.parent / path).exists(), f"{page}: {link}"
    assert count > 1000


def test_linked_files_of_the_repository_are_copies(site):
    copy = site / "repository" / "configs" / "quickstart.yaml.txt"
    assert copy.read_bytes() == (ROOT / "configs" / "quickstart.yaml").read_bytes()


def test_no_markdown_is_left_in_the_text(site):
    for page in pages_of(site):
        text = "".join(Links(page).text)
        assert "```" not in text, page
        left = re.findall(r"^(?:\s*[*-] |\d{1,2}\. ).*|.*\]\(.*|^\|.*\|$", text, re.MULTILINE)
        assert left == [], page


def test_the_contents_have_the_order_of_the_navigation():
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    nav = yaml.safe_load(text[text.index("\nnav:") :])["nav"]
    targets = re.findall(r"[\w/.-]+\.md", str(nav))
    contents = re.findall(r"\]\(([\w/.-]+\.md)\)", (ROOT / "docs" / "index.md").read_text(encoding="utf-8"))
    assert ["index.md", *[page for page in contents if page != "decisions/README.md"]] == targets


def test_packages_do_not_contain_the_site():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    targets = project["tool"]["hatch"]["build"]["targets"]
    assert targets["wheel"]["packages"] == ["als_cli"]
    assert list(targets["wheel"]["shared-data"]) == ["docs/als.1"]
    # A pattern without the slash also matches the copies in the site.
    assert [pattern for pattern in targets["sdist"]["include"] if not pattern.startswith("/")] == []
