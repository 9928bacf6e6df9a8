"""The page: escaping, the content security policy, the limit of its size."""

import base64
import hashlib
import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from als_cli.errors import DataError
from als_cli.report import page as pages
from als_cli.report.content import charts_of, report_content
from als_cli.report.page import MAXIMUM_BYTES, content_policy, page_of, render, script_json
from als_cli.report.parts import Check
from als_cli.report.script import chart_library
from als_cli.stages.report import artifacts_of
from tests.in_process import done
from tests.report.hostile import HOSTILE
from tests.report.shops import context_of, write_hostile_shop

LIBRARY = "window.vegaEmbed = null;"


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    """Return the content of the report of a trained hostile shop."""
    config = write_hostile_shop(tmp_path_factory.mktemp("shop"))
    for command in ("ingest", "train", "recommend"):
        done(command, "-c", config)
    return report_content(artifacts_of(context_of(config)), "a <b>shop</b>")


@given(st.text())
def test_json_in_a_script_is_ascii_without_markup(text):
    found = script_json({text: [text]})
    assert found.isascii()
    assert not set(found) & set("<>&")
    assert json.loads(found) == {text: [text]}


@pytest.mark.parametrize("text", HOSTILE)
def test_json_of_hostile_text(text):
    assert json.loads(script_json(text)) == text


def test_numbers_that_json_does_not_have_are_refused():
    with pytest.raises(ValueError, match="JSON"):
        script_json(float("nan"))


def test_the_policy_names_the_hashes_of_both_scripts(content):
    page = render(content, LIBRARY).decode("utf-8")
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert scripts[0] == LIBRARY
    assert len(scripts) == 2
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1].replace("&#39;", "'")
    for script in scripts:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe-eval" not in policy
    assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]
    assert policy == content_policy(*scripts)


def test_the_title_is_escaped(content):
    page = render(content, LIBRARY).decode("utf-8")
    assert "<title>Recommendations: a &lt;b&gt;shop&lt;/b&gt;</title>" in page


def test_words_between_backticks_are_code_and_escaped(content):
    checks = (Check("notice", "Run `als <x>` & more", "data"),)
    page = render(replace(content, checks=checks), LIBRARY).decode("utf-8")
    assert "Run <code>als &lt;x&gt;</code> &amp; more" in page


def test_every_chart_has_a_place_a_label_and_a_specification(content):
    page = render(content, LIBRARY).decode("utf-8")
    charts = charts_of(content)
    names = [chart.name for chart in charts]
    assert len(names) == len(set(names)) >= 6
    assert re.findall(r'data-chart="([^"]*)"', page) == sorted(
        names, key=lambda name: page.index(f'data-chart="{name}"')
    )
    specs = json.loads(
        re.search(r'<script type="application/json" id="charts">(.*?)</script>', page, re.DOTALL)[1]
    )
    assert set(specs["specs"]) == set(names)
    for chart in charts:
        assert f'aria-describedby="caption-{chart.name}"' in page
        assert chart.summary.endswith(".")


def test_texts_of_the_data_never_reach_an_expression(content):
    """Vega would evaluate expressions. Texts of the data must be values only."""
    keys = {"expr", "signal", "test", "filter", "calculate", "sort", "format"}

    def walk(node, key):
        if isinstance(node, dict):
            for name, value in node.items():
                yield from walk(value, name)
        elif isinstance(node, list):
            for value in node:
                yield from walk(value, key)
        elif isinstance(node, str) and key in keys:
            yield node

    found = {text for chart in charts_of(content) for text in walk(chart.spec, "")}
    assert found <= {".4~g", "~s", ".0%", ".2~%"}


def test_a_large_page_gets_fewer_users_and_points(content):
    asked = []

    def content_at(scale):
        asked.append(scale)
        return replace(content, title="x" * int(3_000_000 * scale))

    page = page_of(content_at, LIBRARY)
    assert asked == [1.0, 0.5, 0.25]
    assert len(page) <= MAXIMUM_BYTES


def test_a_page_that_stays_too_large_is_an_error(content):
    with pytest.raises(DataError, match="more than 2 MB"):
        page_of(lambda _scale: replace(content, title="x" * 3_000_000), LIBRARY)


def test_the_library_is_one_script_and_always_the_same():
    library = chart_library()
    assert library == chart_library()
    assert 500_000 < len(library.encode()) < 1_100_000
    assert not re.search("</script|<!--|\r", library, re.IGNORECASE)
    for name in ("vegaEmbed", "vegaLite"):
        assert f"window.{name}=" in library


def test_the_templates_escape_by_default():
    files = [*pages.TEMPLATES.glob("*.j2")]
    assert len(files) >= 10
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert "| safe" not in text
        assert "autoescape" not in text
        assert "style=" not in text
