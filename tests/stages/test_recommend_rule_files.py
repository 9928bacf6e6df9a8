"""`recommend` with files of ids that are empty, or that the model does not know.

All users score cup 4, jug 3, pot 2, tea 1.
"""

import json

import pytest

from als_cli.errors import DataError
from als_cli.stages.recommend import recommend
from tests.stages.tea_shop import lists_of, sources_of

ALL = {"top_n": 4, "exclude_seen": False}
PLAIN = "cup jug pot tea"


def section_of(key, path):
    """Return the section with the file `path` under `key`."""
    if key == "items.deny":
        return {"items": {"deny": {"file": path}}}
    if key == "items.allow":
        return {"items": {"allow": {"file": path}}}
    name = key.removeprefix("rules.")
    if name in ("user_allow", "user_deny"):
        return {"rules": {name: {"file": path}}}
    return {"rules": {name.removesuffix("[0]"): [{"file": path, "positions": [1]}]}}


def header_of(key):
    return "user_id,item_id\n" if "user_" in key else "item_id\n"


DO_NOTHING = ("items.deny", "rules.user_deny", "rules.pinned[0]", "rules.promoted[0]")
ALLOW = ("items.allow", "rules.user_allow")


class TestFilesThatMayBeEmpty:
    @pytest.mark.parametrize("key", DO_NOTHING)
    def test_a_file_without_rows_has_no_effect_and_a_warning(self, shop, file, tmp_path, caplog, key):
        path = file("f.csv", header_of(key))
        recommend(shop(**ALL, **section_of(key, path)))
        assert set(lists_of(tmp_path).values()) == {PLAIN}
        assert set(sources_of(tmp_path, "ann")) == {"als"}
        assert caplog.messages == [f"recommend.{key}: {path} has no rows, so it has no effect"]

    @pytest.mark.parametrize("key", DO_NOTHING)
    def test_a_file_of_unknown_items_has_no_effect_and_a_warning(self, shop, file, tmp_path, caplog, key):
        row = "ann,ghost\nbob,spook\n" if "user_" in key else "ghost\nspook\n"
        path = file("f.csv", header_of(key) + row)
        recommend(shop(**ALL, **section_of(key, path)))
        assert set(lists_of(tmp_path).values()) == {PLAIN}
        found = "no item of the 2 pairs" if "user_" in key else "none of the 2 items"
        assert caplog.messages == [f"recommend.{key}: the model knows {found} of {path}, so it has no effect"]

    def test_a_segments_file_without_rows(self, shop, file, tmp_path, caplog):
        path = file("s.csv", "user_id,segment\n")
        users = {"file": file("u.csv", "user_id\nzoe\n")}
        fallback = ["segment_popular", "popular"]
        recommend(shop(top_n=2, users=users, segments={"file": path}, fallback=fallback))
        assert lists_of(tmp_path) == {"zoe": "tea cup"}
        assert sources_of(tmp_path, "zoe") == ["popular", "popular"]
        assert f"recommend.segments.file: {path} has no rows, so no user has a segment" in caplog.messages


class TestUnknownItems:
    def test_report_and_manifest_count_them_by_key(self, shop, file, tmp_path):
        items = {
            "catalog": file("i.csv", "item_id,price\ncup,1\njug,2\nnew,3\n"),
            "allow": {"file": file("a.csv", "item_id\ncup\njug\n")},
            "deny": {"file": file("d.csv", "item_id\njug\nghost\nspook\n")},
        }
        rules = {
            "user_deny": {"file": file("u.csv", "user_id,item_id\nann,cup\nann,ghost\n,cup\n")},
            "promoted": [{"positions": [1], "where": "price > 0"}],
        }
        report = recommend(shop(**ALL, items=items, rules=rules))
        expected = {
            "recommend.items.deny": 2, "recommend.rules.user_deny": 2, "recommend.rules.promoted[0]": 1,
        }  # fmt: skip
        assert report.unknown_items == expected
        manifest = json.loads((tmp_path / "lists.manifest.json").read_text(encoding="utf-8"))
        assert manifest["metrics"]["unknown_items"] == expected

    def test_without_files_there_are_none(self, shop):
        assert recommend(shop(**ALL)).unknown_items == {}


class TestFilesThatAllow:
    """Without a known item, these files would empty all lists."""

    @pytest.mark.parametrize("key", ALLOW)
    def test_a_file_without_rows(self, shop, file, key):
        with pytest.raises(DataError, match=r"recommend\..*allow: .*f\.csv has no rows") as raised:
            recommend(shop(**ALL, **section_of(key, file("f.csv", header_of(key)))))
        assert "without this key, all items are allowed" in raised.value.hint

    @pytest.mark.parametrize("key", ALLOW)
    def test_a_file_of_unknown_items(self, shop, file, key):
        row = "ann,ghost\n" if "user_" in key else "ghost\n"
        with pytest.raises(DataError, match=r"the model knows no(ne)? .*f\.csv"):
            recommend(shop(**ALL, **section_of(key, file("f.csv", header_of(key) + row))))


@pytest.mark.parametrize("key", [*DO_NOTHING, *ALLOW])
def test_a_file_with_rows_but_without_ids_is_an_error(shop, file, key):
    header = "user_id,item_id\n" if "user_" in key else "item_id,note\n"
    with pytest.raises(DataError, match=r"f\.csv has no (item id of type|pair of a user id of type) String"):
        recommend(shop(**ALL, **section_of(key, file("f.csv", header + ",\n,\n"))))
