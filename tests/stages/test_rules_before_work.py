"""Mistakes in rules that `als check` reports, and that stop `als run` before it reads events."""

import pytest

from tests.in_process import als_here, done, failed
from tests.shop import CONFIG, write_shop
from tests.stages.test_check import problem

CATALOG = "catalog: catalog.csv, where: price > 0"


def shop(folder, items=CATALOG, **section):
    """Write the shop with `items` and the keys of `section` in section `recommend`. Return the config."""
    text = CONFIG.replace(f"items: {{{CATALOG}}}", f"items: {{{items}}}")
    more = "".join(f"  {key}: {value}\n" for key, value in section.items())
    config = write_shop(folder, text.rstrip() + "\n" + more)
    (folder / "ids.csv").write_text("item_id\ni01\n", encoding="utf-8")
    return config


MISTAKES = [
    ({"rules": "{limits: [{column: kind, at_most: 2}]}"}, 2, "recommend.rules.limits[0].column: ", "no column 'kind'"),
    ({"rules": "{pinned: [{positions: [1], where: cost > 3}]}"}, 2, "recommend.rules.pinned[0].where: ", "no column 'cost'"),
    ({"rules": "{promoted: [{share: 0.4, where: price + 1}]}"}, 2, "recommend.rules.promoted[0].where", "not a condition"),
    ({"rules": "{limits: [{column: title, at_least: 6}]}"}, 2, "recommend.rules.limits[0]: ", "a list of 5 items cannot have 6"),
    (
        {"items": "catalog: catalog.csv, where: price < 8", "rules": "{limits: [{column: title, at_least: 5}]}"},
        2, "recommend.rules.limits[0]: ", "the candidates have 4 different values of title, fewer than the 5",
    ),
    ({"items": "catalog: catalog.csv, where: price > 99"}, 3, "no item of ", "satisfies recommend.items.where"),
    ({"items": "deny: {file: ids.csv, column: sku}"}, 2, "recommend.items.deny.column: ", "no column 'sku'"),
    ({"users": "{file: ids.csv}"}, 2, "recommend.users.column: ", "no column 'user_id'"),
    ({"segments": "{file: ids.csv, user: item_id, column: area}"}, 2, "recommend.segments.column: ", "no column 'area'"),
    ({"rules": "{user_deny: {file: ids.csv}}"}, 2, "recommend.rules.user_deny.user: ", "no column 'user_id'"),
    ({"rules": "{pinned: [{positions: [1], file: ids.csv, column: sku}]}"}, 2, "recommend.rules.pinned[0].column: ", "no column 'sku'"),
]  # fmt: skip


@pytest.mark.parametrize(("section", "code", "start", "text"), MISTAKES)
def test_check_reports_a_mistake_and_run_stops_before_work(tmp_path, section, code, start, text):
    config = shop(tmp_path, **section)
    _, found = problem(code, config)
    assert found["message"].startswith(start)
    assert text in found["message"]
    error = failed(code, "run", "-c", config)
    assert error["message"] == found["message"]
    assert not (tmp_path / "work" / "dataset").exists()


def test_a_missing_file_is_one_problem(tmp_path):
    config = shop(tmp_path, rules="{user_deny: {file: gone.csv}}")
    _, found = problem(3, config)
    assert found["message"] == f"recommend.rules.user_deny.file: no such file: {tmp_path / 'gone.csv'}"
    assert "no such file" in failed(3, "run", "-c", config)["message"]
    assert not (tmp_path / "work" / "dataset").exists()


def test_rules_without_mistakes(tmp_path):
    rules = "{limits: [{column: title, at_least: 3}], pinned: [{positions: [1], where: price > 40}]}"
    config = shop(tmp_path, rules=rules)
    assert done("check", "-c", config)["ok"]
    assert als_here("run", "-c", config, "-q").returncode == 0
