"""Section `hindsight`: the newest evaluation of shown lists, and all of them over time, against the stored files."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from als_cli.errors import ArtifactError
from als_cli.report.content import charts_of, report_content
from als_cli.report.page import MAXIMUM_BYTES, render
from als_cli.report.text import count, readable
from als_cli.stages.report import artifacts_of
from als_cli.storage.documents import with_checksum
from als_cli.storage.hindsight_files import MOST_READ, read_hindsight
from tests.in_process import als_here, done, failed
from tests.report.hostile import HOSTILE
from tests.report.shops import context_of, write_hostile_shop

DAYS = ("2026-01-20", "2026-01-27", "2026-02-02")
RULE = "<b>spring sale</b>"


def write_shop(folder):
    """Write a hostile shop with a pinned item and reasons, and return its config."""
    config = write_hostile_shop(folder)
    found = json.loads(config.read_text(encoding="utf-8"))
    del found["events"]["as_of"]
    found["recommend"]["because"] = 2
    pinned = {"name": RULE, "where": "item_id LIKE 'plain-1%'", "positions": [2]}
    found["recommend"]["rules"]["pinned"] = [pinned]
    found["recommend"]["output"]["keep"] = 9
    config.write_text(json.dumps(found), encoding="utf-8")
    return config


def evaluate(config, *more):
    folder = config.parent
    given = ("--published", folder / "lists.parquet", "--events", folder / "events.parquet")
    return done("evaluate", "-c", config, *given, *more)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Return the config of a shop with lists of three days, of which each was evaluated on the later events."""
    config = write_shop(tmp_path_factory.mktemp("shop"))
    for day in DAYS:
        done("run", "-c", config, "--as-of", day)
        evaluate(config)
    return config


@pytest.fixture
def copied(shop, tmp_path):
    """Return a folder with copies of the stored evaluations."""
    for path in files_of(shop):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def files_of(shop):
    return sorted((shop.parent / "work" / "hindsight").glob("*.json"))


def content_of(shop):
    return report_content(artifacts_of(context_of(shop)), "shop")


def change(path: Path, **fields):
    """Change fields of a stored evaluation, and its checksum."""
    found = json.loads(path.read_text(encoding="utf-8")) | fields
    del found["checksum"]
    path.write_text(json.dumps(with_checksum(found)), encoding="utf-8")


@pytest.fixture(scope="module")
def section(shop):
    return content_of(shop).hindsight


@pytest.fixture(scope="module")
def newest(shop):
    return json.loads(files_of(shop)[-1].read_text(encoding="utf-8"))


def value_of(section, name):
    return next((fact.value, fact.note) for fact in section.facts if fact.name == name)


def test_the_facts_are_of_the_newest_lists(section, newest):
    counts = newest["counts"]
    assert value_of(section, "Lists of") == (DAYS[-1], f"version {newest['lists']['version']}")
    assert value_of(section, "Later events")[1].startswith(
        f"{count(newest['later']['events'])} events, until "
    )
    assert value_of(section, "Evaluated users") == (
        count(counts["users_evaluated"]),
        f"of {count(counts['users_with_list'])} users with a list",
    )
    assert value_of(section, "Slots")[0] == count(sum(one["shown"] for one in newest["ranks"]))


def test_the_metrics_are_those_of_the_file(section, newest):
    assert len(section.metrics) == 2
    for table, relevant in zip(section.metrics, newest["relevant"], strict=True):
        value = {one["metric"]: one for one in relevant["metrics"]}["ndcg@5"]
        compared = {one["metric"]: one for one in relevant["comparisons"]}["ndcg@5"]
        assert table.rows[0] == (
            "NDCG@5",
            f"{value['value']:.4f}",
            f"{value['low']:.4f} to {value['high']:.4f}",
            f"{value['popular']:.4f}",
            f"{compared['difference']:+.4f}",
            compared["conclusion"],
        )
        assert [row[0] for row in table.rows] == ["NDCG@5", "recall@5", "precision@5", "hit rate@5", "hits@5"]
        assert f"{relevant['users']} users" in table.caption


def test_sources_rules_and_reasons(section, newest):
    rows = section.sources.table.rows
    assert [(row[1], row[2]) for row in rows] == [
        (count(one["shown"]), count(one["hits"])) for one in newest["sources"]
    ]
    assert [row[0] for row in section.rules.rows] == [RULE]
    assert len(section.reasons.rows) == 10
    names = {readable(one["name"]) for one in newest["reasons"]}
    assert all(row[0] in names or row[0].startswith("title of ") for row in section.reasons.rows)


def test_the_chart_has_a_point_per_publication(shop, section):
    stored = [json.loads(path.read_text(encoding="utf-8")) for path in files_of(shop)]
    expected = [
        (day, next(one["value"] for one in found["relevant"][0]["metrics"] if one["metric"] == "ndcg@5"))
        for day, found in zip(DAYS, stored, strict=True)
    ]
    values = section.over_time.spec["data"]["values"]
    assert [(one["x"], one["y"]) for one in values if one["series"] == "the lists"] == expected
    assert len(values) == 2 * len(DAYS)
    assert [row[0] for row in section.evaluations.rows] == list(DAYS[::-1])


def test_lists_that_were_evaluated_again_are_one_point(shop, copied):
    files = sorted(copied.glob("*.json"))
    later = json.loads(files[-1].read_text(encoding="utf-8"))["later"] | {"last": "2026-02-25T00:00:00Z"}
    again = files[-1].with_name(f"{files[-1].name.rpartition('--')[0]}--20260225T000000Z.json")
    again.write_bytes(files[-1].read_bytes())
    change(again, later=later)
    section = section_of(shop, copied)
    assert len(section.over_time.spec["data"]["values"]) == 2 * len(DAYS)
    assert len(section.evaluations.rows) == len(DAYS) + 1
    assert value_of(section, "Later events")[1].endswith("until 2026-02-25")


def section_of(shop, folder):
    """Return the section with the evaluations in `folder` in place of those of the workspace."""
    artifacts = replace(artifacts_of(context_of(shop)), hindsight=read_hindsight(folder))
    return report_content(artifacts, "shop").hindsight


def test_lists_that_are_worse_need_attention(shop, copied):
    path = max(copied.glob("*.json"))
    relevant = json.loads(path.read_text(encoding="utf-8"))["relevant"]
    for one in relevant[0]["comparisons"]:
        one |= {"difference": -0.1, "low": -0.2, "high": -0.05, "p_value": 0.0001}
    change(path, relevant=relevant)
    artifacts = replace(artifacts_of(context_of(shop)), hindsight=read_hindsight(copied))
    content = report_content(artifacts, "shop")
    assert content.hindsight.result.startswith("The lists were clearly worse")
    assert [check.text for check in content.checks if check.section == "hindsight"] == [
        f"On later events, the lists of {DAYS[-1]} were clearly worse than a list of popular items."
    ]


def test_without_a_history_there_is_no_popularity_list(shop, copied):
    for path in copied.glob("*.json"):
        relevant = json.loads(path.read_text(encoding="utf-8"))["relevant"][:1]
        relevant[0]["comparisons"] = []
        for one in relevant[0]["metrics"]:
            one["popular"] = None
        change(path, relevant=relevant, history=None, sources=[], rules=[], reasons=[])
    section = section_of(shop, copied)
    assert "There is no history" in section.result
    assert len(section.metrics[0].columns) == 3
    assert (section.sources, section.rules, section.reasons) == (None, None, None)
    assert {one["series"] for one in section.over_time.spec["data"]["values"]} == {"the lists"}
    assert "popular" not in section.over_time.summary


def test_without_evaluations_the_section_is_absent(shop, tmp_path):
    assert read_hindsight(tmp_path) is None
    (tmp_path / "ledger.json").write_text("[]", encoding="utf-8")  # a file of another program
    assert read_hindsight(tmp_path) is None
    assert section_of(shop, tmp_path) is None


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", "null", '{"kind": "hindsight", "format_version": 9}', "\x00", '{"a": NaN}']
)
def test_an_older_file_that_is_broken_is_left_out(shop, copied, text):
    first = min(copied.glob("*.json"))
    first.write_text(text, encoding="utf-8")
    section = section_of(shop, copied)
    assert section.notes == (f"Broken and left out: {first.name}.",)
    assert len(section.evaluations.rows) == len(DAYS) - 1
    assert section.broken == 1


@pytest.mark.parametrize("change_of", [{"at": []}, {"format_version": 2}, {"kind": "other"}])
def test_the_newest_file_must_be_whole(tmp_path, change_of):
    config = write_shop(tmp_path)
    done("run", "-c", config, "--as-of", DAYS[0])
    evaluate(config)
    assert content_of(config).hindsight.over_time is None  # one publication is not a line
    [path] = files_of(config)
    change(path, **change_of)
    error = failed(4, "report", "-c", config)
    assert path.name in error["message"]
    assert "als evaluate --published" in error["hint"]


def test_a_changed_figure_differs_from_the_checksum(shop, copied):
    path = max(copied.glob("*.json"))
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"hits": ', '"hits": 1', 1), encoding="utf-8")
    with pytest.raises(ArtifactError, match="differs from its checksum"):
        read_hindsight(copied)


def test_numbers_that_are_not_finite_are_broken(copied):
    path = max(copied.glob("*.json"))
    relevant = json.loads(path.read_text(encoding="utf-8"))["relevant"]
    relevant[0]["metrics"][0]["value"] = float("nan")
    change(path, relevant=relevant)
    with pytest.raises(ArtifactError, match="broken"):
        read_hindsight(copied)


def test_hostile_texts_are_escaped_and_shortened(shop, copied):
    path = max(copied.glob("*.json"))
    found = json.loads(path.read_text(encoding="utf-8"))
    groups = [found["sources"][0] | {"name": text} for text in HOSTILE]
    lists = found["lists"] | {"version": HOSTILE[0], "path": HOSTILE[1]}
    change(path, sources=groups, rules=groups, reasons=groups, lists=lists)
    artifacts = replace(artifacts_of(context_of(shop)), hindsight=read_hindsight(copied))
    content = report_content(artifacts, "shop")
    page = render(content, "").decode("utf-8")
    assert "window.hacked = 1</script>" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;window.hacked = 1&lt;/script&gt;" in page
    assert "x" * 81 not in page
    assert len(page) < MAXIMUM_BYTES
    assert {"hindsight-sources", "hindsight-over-time"} <= {chart.name for chart in charts_of(content)}


def test_many_evaluations_are_bounded(shop, copied):
    text = min(copied.glob("*.json")).read_text(encoding="utf-8")
    for number in range(MOST_READ + 5):
        day, minute = divmod(number, 60)
        name = f"202401{1 + day:02}T00{minute:02}00Z--v--all.json"
        copy = copied / name
        copy.write_text(text, encoding="utf-8")
        lists = json.loads(text)["lists"] | {"instant": f"2024-01-{1 + day:02}T00:{minute:02}:00Z"}
        change(copy, lists=lists)
    section = section_of(shop, copied)
    assert len(section.evaluations.rows) == 30
    assert section.evaluations.caption.startswith("NDCG@5 of the newest 30 of 400 evaluations")
    assert len(section.over_time.spec["data"]["values"]) == 400  # two lines of 200 points
    assert section.notes == ("8 older evaluations in the workspace are not shown.",)


def test_the_page_is_the_same_for_the_same_artifacts(shop):
    pages = []
    for _ in range(2):
        done("report", "-c", shop)
        pages.append((shop.parent / "report.html").read_bytes())
    assert pages[0] == pages[1]
    assert b'id="hindsight"' in pages[0]
    assert len(pages[0]) < MAXIMUM_BYTES


def test_the_evaluation_writes_the_report(tmp_path):
    config = write_shop(tmp_path)
    done("run", "-c", config, "--as-of", DAYS[0])
    page = tmp_path / "later.html"
    evaluate(config, "--report", page)
    assert 'id="hindsight"' in page.read_text(encoding="utf-8")


def test_without_a_dataset_the_evaluation_warns(shop, tmp_path):
    elsewhere = json.loads(shop.read_text(encoding="utf-8"))
    elsewhere["workspace"] = str(tmp_path / "empty")
    for place in ("events.parquet", "catalog.parquet", "lists.parquet"):
        (tmp_path / place).symlink_to(shop.parent / place)
    config = tmp_path / "shop.yaml"
    config.write_text(json.dumps(elsewhere), encoding="utf-8")
    arguments = ("--published", shop.parent / "lists.parquet", "--events", shop.parent / "events.parquet")
    ended = als_here("evaluate", "-c", config, *arguments)
    assert ended.returncode == 0
    assert "the report was not written" in ended.stderr
