"""The report in a browser: no error, no request, all charts drawn, both themes readable, usable by keyboard and on a phone."""

import itertools
import json

import pytest

from tests.in_process import done
from tests.report.chromium import PROGRAM, chromium
from tests.report.shops import write_hostile_shop

pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="Chromium is not installed, so the report is not opened"
)

CONTRAST = """
(() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((value) => {
      const part = value / 255;
      return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const background = (element) => {
    for (let node = element; node; node = node.parentElement) {
      const [r, g, b, alpha = 1] = parse(getComputedStyle(node).backgroundColor);
      if (alpha > 0) return [r, g, b];
    }
    return null;
  };
  const found = [];
  for (const element of document.querySelectorAll("body *:not(script):not(style)")) {
    const texts = [...element.childNodes].filter((node) => node.nodeType === 3 && node.data.trim());
    if (!texts.length || !element.getClientRects().length || element.closest(".plot, noscript")) continue;
    const [r, g, b] = parse(getComputedStyle(element).color);
    const pair = [luminance([r, g, b]), luminance(background(element))].sort();
    found.push([(pair[1] + 0.05) / (pair[0] + 0.05), element.tagName + "." + element.className]);
  }
  return found;
})()
"""


CUT_TEXTS = """
[...document.querySelectorAll("[data-chart]:not([data-chart=item-map])")].flatMap((place) => {
  const room = place.querySelector("svg").getBoundingClientRect();
  return [...place.querySelectorAll("svg text")]
    .map((text) => [place.dataset.chart, text.textContent, text.getBoundingClientRect()])
    .filter(([, text, box]) => box.width && (
      text.includes("…") || box.left < room.left - 1 || box.right > room.right + 1 || box.bottom > room.bottom + 1))
    .map(([chart, text]) => [chart, text]);
})
"""
"""The texts of charts that are shortened, or not inside their chart. The legend of the map has categories of any length."""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Return the report of a hostile shop with all sections."""
    config = write_hostile_shop(tmp_path_factory.mktemp("shop"))
    for day in ("2026-01-20", "2026-02-01"):
        done("run", "-c", config, "--as-of", day, "--set", "recommend.because=1")
        lists, events = (config.parent / name for name in ("lists.parquet", "events.parquet"))
        done("evaluate", "-c", config, "--published", lists, "--events", events)
    done("run", "-c", config)
    done("backtest", "-c", config)
    done("tune", "-c", config, "--trials", 3)
    done("run", "-c", config, "--force")  # a second version of lists and of evaluations
    return config.parent / "report.html"


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_no_message_and_no_request(browser, page, width, scheme):
    browser.open(page, width=width, scheme=scheme)
    browser.value("new Promise((done) => setTimeout(done, 200))")
    for event in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"):
        assert browser.named(event) == []
    requests = [one["request"]["url"] for one in browser.named("Network.requestWillBeSent")]
    assert requests == [page.resolve().as_uri()]
    assert browser.value("performance.getEntriesByType('resource').length") == 0
    assert browser.value("typeof window.hacked") == "undefined"


def test_the_policy_stops_requests_and_scripts(browser, page):
    browser.open(page)
    blocked = browser.value("""
        new Promise((done) => {
          const found = [];
          document.addEventListener("securitypolicyviolation", (event) => {
            found.push(event.effectiveDirective);
            if (found.length === 3) done(found.sort());
          });
          fetch("https://tracker.example/").catch(() => null);
          document.body.append(Object.assign(new Image(), { src: "https://tracker.example/a.png" }));
          document.body.append(Object.assign(document.createElement("script"), { textContent: "window.hacked = 9" }));
          setTimeout(() => done(found), 5000);
        })""")
    assert blocked == ["connect-src", "img-src", "script-src-elem"]
    assert browser.value("typeof window.hacked") == "undefined"


@pytest.mark.parametrize("width", [1280, 390])
def test_all_charts_are_drawn_inside_the_window(browser, page, width):
    browser.open(page, width=width)
    charts = browser.value("""
        [...document.querySelectorAll("[data-chart]")].map((place) => ({
          name: place.dataset.chart,
          marks: place.querySelectorAll("svg .role-mark path, svg .role-mark line, svg .role-mark text").length,
          width: place.querySelector("svg").getBoundingClientRect().width,
          room: place.clientWidth,
          height: place.querySelector("svg").getBoundingClientRect().height,
        }))""")
    assert {chart["name"] for chart in charts} >= {
        *(
            "methods",
            "differences",
            "user-cohorts",
            "item-cohorts",
            "evaluations",
            "cut-offs",
            "backtest-differences",
        ),
        *("sources", "concentration", "item-map", "events-over-time", "long-tails", "history-lengths"),
        *("loss", "iteration-seconds", "tune-trials", "hindsight-sources", "hindsight-over-time"),
    }
    for chart in charts:
        assert chart["marks"] > 0, chart
        assert 0.8 * chart["room"] <= chart["width"] <= chart["room"], chart
        assert chart["height"] > 40, chart


@pytest.mark.parametrize("width", [1280, 390, 320])
def test_the_page_does_not_scroll_sideways(browser, page, width):
    browser.open(page, width=width)
    assert browser.value("document.documentElement.scrollWidth") <= width


def test_columns_of_the_timeline_have_the_right_places_and_heights(browser, page):
    browser.open(page)
    boxes = browser.value("""
        [...document.querySelectorAll("[data-chart=events-over-time] .role-mark path")].map((path) => {
          const box = path.getBoundingClientRect();
          return [box.top, box.bottom];
        })""")
    specs = json.loads(browser.value("document.getElementById('charts').textContent"))
    values = specs["specs"]["events-over-time"]["data"]["values"]
    assert len(boxes) == len(values) > 40  # views and purchases of more than 20 days
    ground, highest = max(bottom for _, bottom in boxes), max(value["top"] for value in values)
    scale = (ground - min(top for top, _ in boxes)) / highest
    for (top, bottom), value in zip(boxes, values, strict=True):
        assert (ground - top, ground - bottom) == pytest.approx(
            (scale * value["top"], scale * value["bottom"]), abs=1.5
        )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_enough_contrast(browser, page, scheme):
    browser.open(page, scheme=scheme)
    found = browser.value(CONTRAST)
    assert len(found) > 200
    assert [(round(ratio, 2), name) for ratio, name in found if ratio < 4.5] == []


def test_charts_follow_the_theme_without_being_drawn_again(browser, page):
    browser.open(page, scheme="light")
    colour = """
        [getComputedStyle(document.body).backgroundColor,
         getComputedStyle(document.querySelector("[data-chart=loss] .mark-line path")).stroke]"""
    light = browser.value(colour)
    browser.set_scheme("dark")
    dark = browser.value(colour)
    browser.set_scheme("dark", media="print")
    printed = browser.value(colour)
    browser.set_scheme("light")
    assert light[0] != dark[0]
    assert light[1] != dark[1]
    assert printed == ["rgb(255, 255, 255)", light[1]]


def test_headings_captions_and_labels(browser, page):
    browser.open(page)
    levels = browser.value(
        "[...document.querySelectorAll('h1, h2, h3, h4')].map((one) => Number(one.tagName[1]))"
    )
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert browser.value(
        "[...document.querySelectorAll('table')].every((one) => one.caption.textContent.trim())"
    )
    assert browser.value("""
        [...document.querySelectorAll("[role=img]")].every((one) =>
          one.getAttribute("aria-label").length > 10 &&
          document.getElementById(one.getAttribute("aria-describedby")).textContent.length > 20)""")
    assert browser.value("document.documentElement.lang") == "en"


def test_users_are_browsed_with_the_keyboard(browser, page):
    browser.open(page)
    shown = "[...document.querySelectorAll('[data-card]')].flatMap((card, at) => card.hidden ? [] : [at])"
    cards = browser.value("document.querySelectorAll('[data-card]').length")
    [first] = browser.value(shown)
    assert cards == 12
    browser.value("document.querySelector('[data-step=\"1\"]').focus()")
    browser.press("Enter")
    assert browser.value(shown) == [first + 1]
    browser.press("Tab")
    browser.value("document.querySelector('[data-select]').focus()")
    browser.press("ArrowUp")
    assert browser.value(shown) == [first]
    for _ in range(cards):
        browser.value("document.querySelector('[data-step=\"-1\"]').click()")
    assert browser.value(shown) == [first]
    assert browser.value("document.querySelector('[data-place]').textContent") == f"{first + 1} of {cards}"


def test_the_first_tab_skips_to_the_content(browser, page):
    browser.open(page)
    browser.press("Tab")
    assert browser.value("document.activeElement.textContent") == "Skip to the content"


def test_a_tooltip_shows_hostile_text_as_text(browser, page):
    browser.open(page)
    box = browser.value("""
        (() => {
          const point = [...document.querySelectorAll("[data-chart=item-map] .role-mark path")]
            .find((path) => path.__data__.datum.name.includes("<script>window.hacked"));
          point.scrollIntoView({ block: "center", behavior: "instant" });
          const { left, top, width, height } = point.getBoundingClientRect();
          return [left + width / 2, top + height / 2];
        })()""")
    browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=box[0], y=box[1])
    browser.wait_until("document.querySelector('#vg-tooltip-element.visible') !== null")
    assert "<" in browser.value("document.querySelector('#vg-tooltip-element').textContent")
    assert (
        browser.value(
            "document.querySelectorAll('#vg-tooltip-element script, #vg-tooltip-element img').length"
        )
        == 0
    )
    assert browser.value("typeof window.hacked") == "undefined"


def test_without_scripts_all_users_and_numbers_are_there(browser, page):
    browser.open(page, scripts=False)
    hidden = browser.value(
        "[...document.querySelectorAll('[data-card]')].filter((card) => card.offsetHeight === 0).length"
    )
    text = browser.value("document.body.innerText")
    assert hidden == 0
    assert "Charts need JavaScript" in text
    assert browser.value("document.querySelectorAll('svg').length") == 0
    assert browser.value("document.querySelector('[data-browser]').hidden")
    assert browser.value("document.querySelectorAll('details.numbers').length") >= 12


def test_the_page_prints_on_some_sheets(browser, page):
    browser.open(page, scheme="dark")
    printed = browser.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69)["data"]
    assert len(printed) > 50_000


def test_no_axis_repeats_a_label(browser, page):
    browser.open(page)
    axes = browser.value("""
        [...document.querySelectorAll("[data-chart] .role-axis-label")].map((labels) =>
          [...labels.querySelectorAll("text")].filter((one) => one.style.opacity !== "0" && one.getAttribute("opacity") !== "0")
            .map((one) => one.textContent))""")
    assert len(axes) > 25
    assert [labels for labels in axes if len(labels) != len(set(labels))] == []


@pytest.mark.parametrize("width", [1400, 1000, 375])
def test_no_text_of_a_chart_is_cut(browser, page, width):
    browser.open(page, width=width)
    assert browser.value(CUT_TEXTS) == []
    names = browser.value("""
        [...document.querySelectorAll("[data-chart=sources] svg text")].map((text) => text.textContent)""")
    assert "trained factors of the user" in names


@pytest.mark.parametrize("width", [1400, 1000])
def test_the_table_of_metrics_is_not_cut(browser, page, width):
    browser.open(page, width=width)
    cut = browser.value("""
        [...document.querySelectorAll("#quality table")]
          .filter((table) => table.caption && table.caption.textContent.includes("Metrics of lists of"))
          .map((table) => table.closest(".scroll"))
          .map((room) => room.scrollWidth > room.clientWidth)""")
    assert cut == [False]
