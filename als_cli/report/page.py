"""The page: content and script in, HTML out.

The page needs no other file and no network. Its content security policy forbids every request and every script
except those two whose hashes it names, so that text of the data can never run.
"""

import base64
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from als_cli import __version__
from als_cli.errors import DataError
from als_cli.report.charts.theme import CONFIG
from als_cli.report.content import ReportContent, charts_of

TEMPLATES = Path(__file__).parent / "templates"
MAXIMUM_BYTES = 2_000_000
"""Limit of the size of a page."""
_SCALES = (1.0, 0.5, 0.25, 0.0)
_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}


def page_of(content_at: Callable[[float], ReportContent], library: str) -> bytes:
    """Return the page with the charts that `library` draws, in UTF-8.

    `content_at` returns the content with a fraction of the sampled users and of the points of the map. With long
    titles, the fraction is reduced until the page has at most MAXIMUM_BYTES.

    Raises
    ------
    DataError
        The page is too large even without users and map.
    """
    for scale in _SCALES:
        page = render(content_at(scale), library)
        if len(page) <= MAXIMUM_BYTES:
            return page
    raise DataError(
        f"the report has {len(page) / 1e6:.1f} MB, more than {MAXIMUM_BYTES / 1e6:.0f} MB",
        hint="reduce report.users and report.items",
    )


def render(content: ReportContent, library: str) -> bytes:
    """Return the page of `content` in UTF-8; `library` is the script that draws charts."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["code"] = _with_code
    script = _text_of("report.js")
    charts = {chart.name: chart.spec for chart in charts_of(content)}
    page = environment.get_template("page.html.j2").render(
        content=content,
        version=__version__,
        policy=content_policy(library, script),
        style=Markup(_text_of("report.css")),  # noqa: S704 - a file of the package
        library=Markup(library),  # noqa: S704 - the library, checked by its hash in the policy
        script=Markup(script),  # noqa: S704 - a file of the package
        charts=Markup(script_json({"config": CONFIG, "specs": charts})),  # noqa: S704 - escaped by script_json
    )
    return page.encode("utf-8")


def _with_code(text: str) -> str:
    """Return `text` as HTML, in which the words between backticks are code."""
    from markupsafe import Markup, escape

    parts = [
        escape(part) if place % 2 == 0 else Markup("<code>{}</code>").format(part)
        for place, part in enumerate(text.split("`"))
    ]
    return Markup("").join(parts)


def script_json(value: Any) -> str:
    """Return `value` as JSON that can stand in a script element: ASCII, without ``<``, ``>`` and ``&``.

    Raises
    ------
    ValueError
        A number is NaN or infinite.
    """
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for character, escape in _ESCAPES.items():
        text = text.replace(character, escape)
    return text


def content_policy(*scripts: str) -> str:
    """Return the content security policy: no request, and no script but `scripts`."""
    hashes = " ".join(f"'sha256-{_sha256(script)}'" for script in scripts)
    return f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def _text_of(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")
