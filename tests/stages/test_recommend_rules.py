"""`recommend` with rules: each key of the config, by lists that are written out.

All users score cup 4, jug 3, pot 2, tea 1. Seen: ann and cid tea and cup, bob tea and pot, dot jug.
"""

from datetime import datetime

import polars as pl
import pytest

from als_cli.errors import ConfigError, DataError
from als_cli.ranking.rules.reading import read_rules
from als_cli.stages.recommend import recommend
from als_cli.storage.model_files import open_model
from tests.stages.tea_shop import lists_of, shortfall, sources_of, used

CATALOGUE = "item_id,kind,price,since,until\ncup,china,9,2026-02-01,\njug,china,7,,2026-02-01\npot,china,5,,\ntea,food,2,,\n"


@pytest.fixture
def catalog(file):
    return {"catalog": file("items.csv", CATALOGUE)}


ALL = {"top_n": 4, "exclude_seen": False}


class TestCandidates:
    def test_allowed_and_denied_items_of_files(self, shop, file, tmp_path):
        items = {
            "allow": {"file": file("a.csv", "item_id\npot\ncup\njug\ncup\nghost\n")},
            "deny": {"file": file("d.csv", "sku\njug\n"), "column": "sku"},
        }
        report = recommend(shop(**ALL, items=items))
        assert set(lists_of(tmp_path).values()) == {"cup pot"}
        assert report.candidates == 2
        assert report.rules == {"items.allow": {"items": 1}, "items.deny": {"items": 1}}

    def test_each_key_says_how_many_items_it_leaves_out(self, shop, file, tmp_path):
        catalog = file("i.csv", "item_id,price,until\ncup,9,\njug,7,2020-01-01\npot,5,\n")
        items = {"catalog": catalog, "where": "price > 6", "available": {"until": "until"}}
        report = recommend(shop(**ALL, items=items))
        assert set(lists_of(tmp_path).values()) == {"cup"}
        assert report.rules == {
            "items.catalog": {"items": 1}, "items.where": {"items": 1}, "items.available": {"items": 1},
        }  # fmt: skip

    def test_items_are_available_between_two_times(self, shop, catalog):
        items = catalog | {"available": {"since": "since", "until": "until"}}
        context = shop(**ALL, items=items)
        for as_of, expected in (
            ("2026-01-31T23:59:59+00:00", "jug pot tea"),
            ("2026-02-01T00:00:00+00:00", "cup pot tea"),
        ):
            assert available_at(context, as_of) == expected

    def test_an_unreadable_time_of_availability(self, shop, file):
        items = {"catalog": file("i.csv", "item_id,since\ncup,soon\n"), "available": {"since": "since"}}
        with pytest.raises(
            DataError, match=r"available\.since: .*i\.csv, row 1: 'soon' in column 'since' is not"
        ):
            recommend(shop(items=items))

    def test_every_item_is_denied(self, shop, file):
        deny = {"deny": {"file": file("d.csv", "item_id\ncup\njug\npot\ntea\n")}}
        with pytest.raises(DataError, match=r"recommend\.items leaves no item that may be recommended"):
            recommend(shop(items=deny))


def available_at(context, instant):
    """Return the items that may be recommended at `instant`."""
    model = open_model(context.models_place)
    rules = read_rules(context.config.recommend, model, datetime.fromisoformat(instant)).rules
    return " ".join(model.item_ids.filter(pl.Series(rules.allowed)))


class TestUserItems:
    def test_denied_items_of_single_users(self, shop, file, tmp_path):
        pairs = file("deny.csv", "user_id,item_id\nann,cup\nann,cup\nbob,jug\nghost,tea\nbob,ghost\n")
        report = recommend(shop(**ALL, rules={"user_deny": {"file": pairs}}))
        assert report.rules == {"user_deny": {"users": 2, "items": 2}}
        assert lists_of(tmp_path) == {
            "ann": "jug pot tea", "bob": "cup pot tea", "cid": "cup jug pot tea", "dot": "cup jug pot tea",
        }  # fmt: skip

    def test_denied_and_seen_items_are_counted_apart(self, shop, file):
        pairs = file("deny.csv", "user_id,item_id\nann,cup\nbob,jug\n")
        report = recommend(shop(top_n=4, rules={"user_deny": {"file": pairs}}))
        assert report.rules == {"seen": {"users": 4, "items": 7}, "user_deny": {"users": 2, "items": 2}}

    def test_users_without_allowed_items_get_no_list(self, shop, file, tmp_path):
        pairs = file("allow.csv", "user_id,item_id\nann,tea\nann,jug\n")
        report = recommend(shop(**ALL, rules={"user_allow": {"file": pairs}}))
        assert lists_of(tmp_path) == {"ann": "jug tea"}
        assert report.shortfall == {"too_few_candidates": 1, "not_allowed": 3}
        assert report.rules == {"user_allow": {"users": 1}}
        assert shortfall(tmp_path).row(1) == ("bob", 0, 4, "not_allowed")

    def test_seen_items_come_again_after_a_time(self, shop, tmp_path):
        # The newest event of pair k is k days old: ann tea 0, ann cup 1, bob tea 2, bob pot 3, cid tea 4, cid cup 5.
        recommend(shop(top_n=4, seen_again_after="3d"))
        assert lists_of(tmp_path) == {
            "ann": "jug pot", "bob": "cup jug pot", "cid": "cup jug pot tea", "dot": "cup jug pot tea",
        }  # fmt: skip


class TestLimits:
    def test_at_most_of_a_value(self, shop, catalog, tmp_path):
        rules = {"limits": [{"column": "kind", "at_most": 2}]}
        report = recommend(shop(top_n=3, exclude_seen=False, items=catalog, rules=rules))
        assert set(lists_of(tmp_path).values()) == {"cup jug tea"}
        assert report.rules == {"limit kind": {"users": 4, "slots": 8}}

    def test_at_least_different_values(self, shop, catalog, tmp_path):
        rules = {"limits": [{"column": "kind", "at_least": 2}]}
        report = recommend(shop(top_n=2, exclude_seen=False, items=catalog, rules=rules))
        assert set(lists_of(tmp_path).values()) == {"cup tea"}
        assert report.rules == {"limit kind at_least": {"users": 4}}

    def test_a_list_that_limits_cut_has_a_reason(self, shop, catalog, tmp_path):
        report = recommend(shop(top_n=2, items=catalog, rules={"limits": [{"column": "kind", "at_most": 1}]}))
        assert lists_of(tmp_path) == {"ann": "jug", "bob": "cup", "cid": "jug", "dot": "cup tea"}
        assert report.shortfall == {"limits": 3}

    @pytest.mark.parametrize(
        ("limit", "message"),
        [
            (
                {"column": "kind", "at_most": 1},
                r"at most 1 items of each of 2 values of kind make lists of 2 items, not of 4",
            ),
            (
                {"column": "kind", "at_least": 3},
                r"the candidates have 2 different values of kind, fewer than the 3",
            ),
            ({"column": "kind", "at_least": 9}, r"a list of 4 items cannot have 9 different values of kind"),
            ({"column": "brand", "at_most": 2}, r"limits\[0\]\.column: .*items\.csv has no column 'brand'"),
        ],
    )
    def test_limits_that_cannot_be_met(self, shop, catalog, limit, message):
        with pytest.raises(ConfigError, match=message):
            recommend(shop(**ALL, items=catalog, rules={"limits": [limit]}))


class TestChosenItems:
    def test_pinned_items_of_a_file_have_fixed_positions_unless_seen(self, shop, file, tmp_path):
        pins = {"positions": [1, 3], "file": file("pins.csv", "item_id\ntea\npot\nghost\n"), "name": "summer"}
        report = recommend(shop(top_n=4, rules={"pinned": [pins]}))
        assert lists_of(tmp_path) == {
            "ann": "pot jug",
            "bob": "cup jug",
            "cid": "pot jug",
            "dot": "tea cup pot",
        }
        assert sources_of(tmp_path, "dot") == ["pinned", "als", "pinned"]
        assert report.rules == {"summer": {"users": 3, "slots": 4}}
        assert used(report.source_rows) == {"als": 5, "pinned": 4}

    def test_promoted_items_of_a_condition_are_ranked_by_score(self, shop, catalog, tmp_path):
        promoted = {"share": 0.5, "where": "price < 6"}
        recommend(shop(**ALL, items=catalog, rules={"promoted": [promoted]}))
        assert set(lists_of(tmp_path).values()) == {"cup pot jug tea"}
        assert sources_of(tmp_path, "ann") == ["als", "promoted", "als", "promoted"]

    def test_a_share_leaves_the_ranks_of_later_rules_free(self, shop, file, tmp_path):
        pins = file("pins.csv", "item_id\npot\ntea\n")
        rules = {
            "promoted": [
                {"name": "half", "share": 0.5, "file": pins},
                {"name": "second", "positions": [2], "file": file("jug.csv", "item_id\njug\n")},
            ]
        }
        report = recommend(shop(**ALL, rules=rules))
        # Half of four ranks would be 2 and 4. Rank 2 is taken, so the share has 3 and 4.
        assert set(lists_of(tmp_path).values()) == {"cup jug pot tea"}
        assert report.rules == {"half": {"users": 4, "slots": 8}, "second": {"users": 4, "slots": 4}}

    def test_pinned_items_count_for_limits(self, shop, catalog, file, tmp_path):
        pins = {"positions": [2], "file": file("pins.csv", "item_id\npot\n")}
        rules = {"pinned": [pins], "limits": [{"column": "kind", "at_most": 2}]}
        recommend(shop(top_n=3, exclude_seen=False, items=catalog, rules=rules))
        assert set(lists_of(tmp_path).values()) == {"cup pot tea"}

    def test_pins_that_may_not_be_recommended_are_reported(self, shop, catalog, tmp_path, caplog):
        items = catalog | {"where": "price > 6"}
        pins = {"positions": [1], "where": "kind = 'food'"}
        recommend(shop(**ALL, items=items, rules={"pinned": [pins]}))
        assert "recommend.rules.pinned[0]: none of the 1 items may be recommended" in caplog.text
        assert set(lists_of(tmp_path).values()) == {"cup jug"}

    def test_pins_that_a_limit_never_allows_together_are_reported(
        self, shop, catalog, file, tmp_path, caplog
    ):
        pins = {"positions": [1, 2, 3], "file": file("pins.csv", "item_id\npot\ncup\njug\n")}
        rules = {"pinned": [pins], "limits": [{"column": "kind", "at_most": 2}]}
        recommend(shop(top_n=3, exclude_seen=False, items=catalog, rules=rules))
        assert set(lists_of(tmp_path).values()) == {"pot cup tea"}
        assert caplog.messages == [
            "recommend.rules.pinned[0]: the limits leave 1 of 3 positions without an item of the rule in every list"
        ]

    def test_pins_that_the_limits_allow_together(self, shop, catalog, file, tmp_path, caplog):
        first = {"positions": [3], "file": file("a.csv", "item_id\npot\n")}
        second = {"positions": [1, 2], "file": file("b.csv", "item_id\npot\ntea\n")}
        rules = {"pinned": [first, second], "limits": [{"column": "kind", "at_most": 2}]}
        recommend(shop(top_n=3, exclude_seen=False, items=catalog, rules=rules))
        assert set(lists_of(tmp_path).values()) == {"tea cup pot"}
        assert caplog.messages == []

    def test_shares_without_a_rank_are_reported(self, shop, catalog, caplog):
        rules = {"promoted": [{"share": 0.2, "where": "true"}], "explore": {"share": 0.05}}
        recommend(shop(**ALL, items=catalog, rules=rules))
        assert caplog.messages == [
            "recommend.rules.promoted[0].share: 0.2 of 4 items has no rank",
            "recommend.rules.explore.share: 0.05 of 4 items has no rank",
        ]

    @pytest.mark.parametrize(
        ("rules", "message"),
        [
            (
                {"pinned": [{"positions": [5], "where": "true"}]},
                r"pinned\[0\]\.positions: rank 5 is beyond the list of 4",
            ),
            (
                {
                    "pinned": [{"positions": [1], "where": "true"}],
                    "promoted": [{"positions": [2, 1], "where": "true"}],
                },
                r"promoted\[0\]\.positions: rank 1 belongs to recommend\.rules\.pinned\[0\] already",
            ),
        ],
    )
    def test_positions_that_contradict_each_other(self, shop, catalog, rules, message):
        with pytest.raises(ConfigError, match=message):
            recommend(shop(**ALL, items=catalog, rules=rules))
