"""Keys of section `recommend` that need or exclude each other."""

import pytest

from als_cli.config.recommend import RecommendConfig
from als_cli.config.recommend_checks import check_recommend
from als_cli.errors import ConfigError

PIN = {"positions": [1], "file": "p.csv"}
SHARE = {"share": 0.8, "file": "p.csv"}


def mistakes(section):
    with pytest.raises(ConfigError) as refused:
        check_recommend(RecommendConfig.model_validate(section))
    return list(refused.value.problems) or [refused.value.message]


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ({"items": {}}, "recommend.items: set catalog, allow or deny"),
        ({"items": {"deny": {"file": "d"}, "where": "a"}}, "recommend.items.where needs items.catalog"),
        ({"items": {"catalog": "c", "available": {}}}, "recommend.items.available: set since, until or both"),
        (
            {"rules": {"limits": [{"column": "a", "at_most": 1}]}},
            "recommend.rules.limits[0] needs items.catalog",
        ),
        (
            {"items": {"catalog": "c"}, "rules": {"limits": [{"column": "a"}]}},
            "recommend.rules.limits[0]: set at_most, at_least or both",
        ),
        ({"rules": {"pinned": [{"positions": [1]}]}}, "recommend.rules.pinned[0]: set either file or where"),
        (
            {"rules": {"pinned": [{"positions": [1], "where": "a"}]}},
            "recommend.rules.pinned[0].where needs items.catalog",
        ),
        (
            {"rules": {"promoted": [{"file": "p"}]}},
            "recommend.rules.promoted[0]: set either positions or share",
        ),
        (
            {"rules": {"promoted": [{"file": "p", "share": 0.5, "positions": [1]}]}},
            "recommend.rules.promoted[0]: set either positions or share",
        ),
        (
            {"rules": {"pinned": [PIN, PIN]}},
            "recommend.rules.pinned[1].positions: rank 1 belongs to recommend.rules.pinned[0] already",
        ),
        (
            {"top_n": 5, "rules": {"pinned": [PIN | {"positions": [6]}]}},
            "recommend.rules.pinned[0].positions: rank 6 is beyond the list of 5 items",
        ),
        (
            {
                "rules": {
                    "pinned": [PIN | {"name": "a"}],
                    "promoted": [{"name": "a", "file": "p", "share": 0.5}],
                }
            },
            "recommend.rules.promoted[0].name: 'a' is the name of recommend.rules.pinned[0] already",
        ),
        (
            {"top_n": 10, "rules": {"promoted": [SHARE, SHARE]}},
            "recommend.rules: the rules take 16 ranks of a list of 10 items: promoted[0] 8, promoted[1] 8",
        ),
        (
            {"top_n": 10, "rules": {"pinned": [PIN | {"positions": [1, 2, 3]}], "promoted": [SHARE]}},
            "recommend.rules: the rules take 11 ranks of a list of 10 items: pinned[0] 3, promoted[0] 8",
        ),
        (
            {"top_n": 10, "rules": {"promoted": [SHARE], "explore": {"share": 0.3}}},
            "recommend.rules: the rules take 11 ranks of a list of 10 items: promoted[0] 8, explore 3",
        ),
        (
            {"seen_again_after": "3d", "exclude_seen": False},
            "recommend.seen_again_after needs exclude_seen: true",
        ),
        ({"guests": {}}, "recommend.guests: set id, segments or both"),
        ({"guests": {"segments": {"a": "b"}}}, "recommend.guests.segments needs segments"),
        ({"guests": {"id": "a"}, "fallback": []}, "recommend.guests need a fallback"),
        ({"fallback": ["segment_popular"]}, "recommend.fallback: segment_popular needs segments"),
    ],
)
def test_one_mistake(section, expected):
    assert mistakes(section) == [expected]


def test_all_mistakes_at_once():
    assert len(mistakes({"items": {}, "fallback": ["segment_popular"], "guests": {}})) == 3


def test_a_section_that_fits_together():
    check_recommend(RecommendConfig())
    exactly = {"top_n": 10, "rules": {"pinned": [PIN], "promoted": [SHARE], "explore": {"share": 0.1}}}
    check_recommend(RecommendConfig.model_validate(exactly))
    check_recommend(
        RecommendConfig.model_validate(
            {
                "items": {"catalog": "c", "where": "a"},
                "rules": {"limits": [{"column": "a", "at_most": 2}], "pinned": [PIN]},
                "guests": {"id": "guest"},
            }
        )
    )
