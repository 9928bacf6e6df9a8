"""`recommend`: the fallback and guests, diversity and exploration, by lists that are written out.

All users score cup 4, jug 3, pot 2, tea 1. Seen: ann and cid tea and cup, bob tea and pot, dot jug.
"""

import pytest

from als_cli.errors import ConfigError
from als_cli.stages.recommend import recommend
from tests.stages.tea_shop import lists_of, sources_of, used

ALL = {"top_n": 4, "exclude_seen": False}


class TestFallback:
    def test_slots_below_the_minimum_score_go_to_the_fallback(self, shop, tmp_path):
        report = recommend(shop(**ALL, rules={"minimum_score": 3}, fallback=["popular"]))
        assert set(lists_of(tmp_path).values()) == {"cup jug tea pot"}
        assert sources_of(tmp_path, "ann") == ["als", "als", "popular", "popular"]
        assert report.rules == {"minimum_score": {"users": 4, "slots": 8}}

    def test_without_fallback_they_stay_empty(self, shop, tmp_path):
        report = recommend(shop(**ALL, rules={"minimum_score": 3}, fallback=[]))
        assert set(lists_of(tmp_path).values()) == {"cup jug"}
        assert report.shortfall == {"minimum_score": 4}

    def test_segments_then_recent_then_all(self, shop, file, tmp_path):
        # North: ann and cid have tea and cup. South: dot has jug. zoe is from the north, yan from nowhere.
        segments = file("s.csv", "user_id,area\nann,north\ncid,north\ndot,south\nbob,\nzoe,north\n")
        recommend(
            shop(
                **ALL,
                users={"file": file("u.csv", "user_id\nzoe\nyan\n")},
                segments={"file": segments, "column": "area"},
                fallback=["segment_popular", "recent_popular"],
                recent_half_life="1d",
            )
        )
        assert lists_of(tmp_path) == {"zoe": "cup tea pot jug", "yan": "tea cup pot jug"}
        assert sources_of(tmp_path, "zoe") == ["segment_popular"] * 2 + ["recent_popular"] * 2
        assert sources_of(tmp_path, "yan") == ["recent_popular"] * 4

    def test_guests_get_a_list_for_all_and_one_per_segment(self, shop, file, tmp_path):
        segments = file("s.csv", "user_id,segment\nann,north\ncid,north\ndot,south\n")
        report = recommend(
            shop(
                top_n=1,
                segments={"file": segments},
                fallback=["segment_popular", "popular"],
                guests={"id": "guest", "segments": {"south": "guest:south"}},
            )
        )
        lists = lists_of(tmp_path)
        assert (lists["guest"], lists["guest:south"]) == ("tea", "jug")
        assert list(lists) == sorted(lists)
        assert report.users == 6

    def test_users_with_several_segments_are_counted(self, shop, file, tmp_path, caplog):
        path = file("s.csv", "user_id,segment\nzoe,north\nann,north\nann,north\nzoe,south\nbob,\nbob,south\n")
        users = {"file": file("u.csv", "user_id\nzoe\n")}
        recommend(shop(top_n=1, users=users, segments={"file": path}, fallback=["segment_popular"]))
        assert lists_of(tmp_path) == {"zoe": "cup"}  # ann of the north has cup and tea
        assert caplog.messages == [
            f"recommend.segments.file: {path} has different segments for 1 users; the first row of each user counts"
        ]

    def test_a_guest_of_a_segment_without_users_gets_the_next_fallback(self, shop, file, tmp_path, caplog):
        recommend(
            shop(
                top_n=1,
                segments={"file": file("s.csv", "user_id,segment\ndot,south\n")},
                fallback=["segment_popular", "popular"],
                guests={"segments": {"south": "guest:south", "west": "guest:west"}},
            )
        )
        lists = lists_of(tmp_path)
        assert (lists["guest:south"], lists["guest:west"]) == ("jug", "tea")
        assert sources_of(tmp_path, "guest:west") == ["popular"]
        assert caplog.messages == [
            "recommend.guests.segments: no user is in segment 'west', so the guest gets the list of the next fallback"
        ]

    @pytest.mark.parametrize(
        ("guests", "message"),
        [
            ({"id": "ann"}, "'ann' is the id of a user"),
            ({"id": 5}, "5 is not a user id: user ids are String"),
        ],
    )
    def test_ids_of_guests(self, shop, guests, message):
        with pytest.raises(ConfigError, match=message):
            recommend(shop(guests=guests))


class TestDiversityAndExploration:
    def test_explored_slots_have_their_source_and_leave_the_other_slots_as_they_are(self, shop, tmp_path):
        recommend(shop(top_n=2, exclude_seen=False))
        plain = lists_of(tmp_path)
        report = recommend(shop(top_n=2, exclude_seen=False, rules={"explore": {"share": 0.5, "pool": 9}}))
        lists = lists_of(tmp_path)
        assert {items.split()[0] for items in lists.values()} == {
            items.split()[0] for items in plain.values()
        }
        assert sources_of(tmp_path, "ann") == ["als", "explore"]
        assert {items.split()[1] for items in lists.values()} <= {"jug", "pot", "tea"}
        assert report.rules == {"explore": {"users": 4, "slots": 4}}
        assert used(report.sources) == {"als": 4}

    def test_equal_directions_are_ranked_by_score(self, shop, tmp_path):
        # The shop has one factor, so all items have the same direction, and all cosines are 1.
        report = recommend(shop(**ALL, rules={"diversity": {"strength": 0.5}}))
        assert report.rules == {"diversity": {"users": 0, "slots": 0}}
        assert set(lists_of(tmp_path).values()) == {"cup jug pot tea"}
