"""The roles of columns: names, types and values are evidence."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from als_cli.guessing.facts import facts_of
from als_cli.guessing.names import is_role_name, name_score
from als_cli.guessing.roles import columns_of, guess_roles

CLOCK = datetime(2025, 6, 1, tzinfo=UTC)
ROWS = 400
USERS = [
    "user_id",
    "userId",
    "visitorid",
    "reviewerID",
    "user_pseudo_id",
    "customer_email",
    "Customer ID",
    "member_no",
]
ITEMS = [
    "item_id",
    "itemid",
    "asin",
    "movieId",
    "StockCode",
    "product_code",
    "Lineitem sku",
    "track_id",
    "articleId",
]
TIMES = ["timestamp", "ts", "event_time", "unixReviewTime", "Created at", "InvoiceDate"]
OTHERS = [
    "price",
    "order_id",
    "category_id",
    "country",
    "user_agent",
    "item_category",
    "session_length",
    "row",
]


def table(user="user_id", item="item_id", time="ts", seed=1):
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            user: [f"u{n:03d}" for n in rng.integers(0, 60, ROWS)],
            item: rng.integers(0, 40, ROWS),
            time: 1_700_000_000 + np.sort(rng.integers(0, 10**6, ROWS)),
        }
    )


def roles_of(frame, *, is_numbered=False, **stated):
    columns = columns_of(frame, facts_of(frame), CLOCK, frame.height, is_numbered=is_numbered)
    return guess_roles(columns, stated)


def named(guesses):
    return {role: guess.value for role, guess in guesses.items()}


@given(
    user=st.sampled_from(USERS),
    item=st.sampled_from(ITEMS),
    time=st.sampled_from(TIMES),
    others=st.lists(st.sampled_from(OTHERS), unique=True),
    seed=st.integers(0, 100),
    order=st.randoms(use_true_random=False),
)
def test_usual_names_are_found_in_any_order_among_other_columns(user, item, time, others, seed, order):
    rng = np.random.default_rng(seed)
    frame = table(user, item, time, seed).with_columns(
        pl.Series(name, rng.integers(0, 30, ROWS)) if name != "row" else pl.Series(name, range(ROWS))
        for name in others
    )
    names = frame.columns
    order.shuffle(names)
    found = roles_of(frame.select(names))
    assert {role: found[role].value for role in ("user", "item", "timestamp")} == {
        "user": user,
        "item": item,
        "timestamp": time,
    }
    assert found["user"].confidence > 0.6
    assert found["item"].confidence > 0.6


@given(st.lists(st.text(max_size=15), min_size=1, max_size=6, unique=True), st.integers(0, 50))
@example(["count", "len", "literal"], 0)  # names that polars gives to new columns
def test_any_names_give_confidences_and_reasons(names, seed):
    rng = np.random.default_rng(seed)
    frame = pl.DataFrame({name: rng.integers(0, 9, 50) for name in names})
    for guess in roles_of(frame).values():
        assert guess.value in names
        assert 0 < guess.confidence <= 1
        assert guess.reasons


def test_without_names_the_values_and_the_order_decide():
    rng = np.random.default_rng(3)
    frame = pl.DataFrame(
        {
            "1": rng.integers(1, 90, ROWS),
            "2": rng.integers(1, 60, ROWS),
            "3": rng.choice([1, 2, 3, 4, 5], ROWS, p=[0.05, 0.1, 0.25, 0.35, 0.25]),
            "4": rng.integers(870_000_000, 890_000_000, ROWS),
        }
    ).cast(pl.String)
    found = roles_of(frame, is_numbered=True)
    assert named(found) == {"user": "1", "item": "2", "value": "3", "timestamp": "4"}
    assert found["user"].sureness != "sure"


def test_a_column_without_repeated_values_is_no_user():
    frame = table().with_columns(pl.Series("customer", range(ROWS)))
    assert named(roles_of(frame))["user"] == "user_id"


def test_email_addresses_are_users_even_under_another_name():
    frame = table(user="contact").with_columns(pl.col("contact") + "@example.com")
    found = roles_of(frame)["user"]
    assert found.value == "contact"
    assert "the values are email addresses" in found.reasons


def test_known_words_are_event_types_even_under_another_name():
    kinds = pl.Series("what", ["view", "view", "cart", "purchase"] * (ROWS // 4))
    assert named(roles_of(table().with_columns(kinds)))["type"] == "what"
    countries = kinds.replace_strict({"view": "France", "cart": "Spain", "purchase": "Italy"})
    assert "type" not in roles_of(table().with_columns(countries))


def test_a_column_of_types_with_many_blanks_is_left_out():
    kinds = pl.Series("event", ["view", None, "cart", None] * (ROWS // 4))
    assert "type" not in roles_of(table().with_columns(kinds))


@pytest.mark.parametrize("name", ["price", "total", "tax", "unit_cost"])
def test_amounts_of_money_are_no_values(name):
    assert "value" not in roles_of(table().with_columns(pl.Series(name, np.arange(ROWS) % 17 + 0.5)))


def test_near_columns_make_a_guess_less_sure_and_are_alternatives():
    frame = table().with_columns(pl.col("user_id").reverse().alias("customer_id"))
    found = roles_of(frame)["user"]
    assert found.sureness != "sure"
    assert found.alternatives == ("customer_id",)


def test_stated_columns_win():
    frame = table().with_columns(pl.col("user_id").alias("other"))
    found = roles_of(frame, user="other", timestamp="")
    assert found["user"].value == "other"
    assert found["user"].confidence == 1
    assert "timestamp" not in found


def test_ratings_are_values():
    ratings = pl.Series("overall", [5.0, 4.0, 5.0, 3.0, 1.0, 2.0, 4.0, 5.0] * (ROWS // 8))
    found = roles_of(table().with_columns(ratings))["value"]
    assert "ratings from 1 to 5" in found.reasons[0]


def test_dates_with_a_clock_win_over_dates_without():
    times = [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=n) for n in range(ROWS)]
    frame = (
        table(time="other")
        .drop("other")
        .with_columns(pl.Series("date", times).dt.date(), pl.Series("datetime", times))
    )
    assert named(roles_of(frame))["timestamp"] == "datetime"


@pytest.mark.parametrize("name", [*USERS, *ITEMS, *TIMES, "rating", "eventType"])
def test_usual_names_are_known(name):
    assert is_role_name(name)


@pytest.mark.parametrize("role", ["user", "item", "timestamp", "type", "value", "title"])
@pytest.mark.parametrize("name", ["", "x", "foo_bar", "Country", "transactionid", "1"])
def test_other_names_say_nothing(role, name):
    assert name_score(role, name) < 0.5
