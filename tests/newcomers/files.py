"""Small seeded files in the formats of real exports, with two groups of users who prefer two groups of items."""

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np

USERS, ITEMS, SEED = 80, 60, 5


def group_of(number: int) -> int:
    """Return the group of a user or an item: odd and even numbers. Users prefer items of their group."""
    return number % 2


def likes(rows: int) -> list[tuple[int, int]]:
    """Return (user, item) numbers. Nine of ten pairs are within a group, and some items are more popular."""
    rng = np.random.default_rng(SEED)
    users = rng.integers(0, USERS, rows)
    items = 2 * (rng.beta(1, 2, rows) * (ITEMS // 2)).astype(int) + users % 2
    strays = rng.random(rows) < 0.1
    items[strays] = rng.integers(0, ITEMS, strays.sum())
    return list(zip(users.tolist(), items.tolist(), strict=True))


def write_lastfm(path: Path) -> None:
    """Write plays without header and time: user, artist id, artist name with quotes, plays."""
    rng = np.random.default_rng(SEED)
    names = {0: '"Weird Al" Yankovic', 3: 'The 12" Mixers', 4: "Sigur Rós"}
    lines = []
    for user, item in sorted(set(likes(900))):
        artist = "" if rng.random() < 0.01 else f"{item:08x}-mbid"
        plays = int(rng.lognormal(4, 1))
        lines.append(f"{user * 7919:040x}\t{artist}\t{names.get(item, f'Artist {item}')}\t{plays}\n")
    path.write_text("".join(lines), encoding="utf-8")


def write_amazon(path: Path) -> None:
    """Write one review per JSON line: Unix seconds, float ratings, a few without reviewer, some duplicates."""
    rng = np.random.default_rng(SEED)
    lines = []
    for user, item in likes(900):
        liked = group_of(user) == group_of(item)
        review = {
            "reviewerID": None if rng.random() < 0.02 else f"A{user:05d}",
            "asin": f"B{item:06d}",
            "overall": float(rng.choice([3, 4, 5], p=[0.1, 0.3, 0.6]) if liked else rng.choice([1, 2, 3])),
            "reviewText": None if rng.random() < 0.2 else 'It is "fine", mostly\u2026',
            "helpful": [int(rng.integers(0, 3)), 3],
            "unixReviewTime": int(1_300_000_000 + 86_400 * rng.integers(0, 400)),
        }
        lines += [json.dumps(review) + "\n"] * (2 if rng.random() < 0.05 else 1)
    path.write_text("".join(lines), encoding="utf-8")


def write_shopify(path: Path) -> None:
    """Write order lines. Only the first line of an order has the e-mail. Times have the UTC offset of the shop."""
    rng = np.random.default_rng(SEED)
    wanted: dict[int, list[int]] = {}
    for user, item in likes(1500):
        wanted.setdefault(user, []).append(item)
    lines = []
    for user, items in wanted.items():
        start = 0
        while start < len(items):
            order = items[start : start + int(rng.choice([1, 2, 3], p=[0.4, 0.4, 0.2]))]
            start += len(order)
            created = datetime(2026, 1, 1, 8, tzinfo=timezone(timedelta(hours=1)))
            created += timedelta(minutes=int(rng.integers(0, 90 * 24 * 60)))
            for number, item in enumerate(order):
                email = f"customer{user}@example.com" if number == 0 else ""
                fields = (
                    "#{}",
                    email,
                    f'"Mug, no. {item}"',
                    str(int(rng.geometric(0.7))),
                    f"{created:%Y-%m-%d %H:%M:%S %z}",
                )
                lines.append((created, ",".join(fields)))
    lines.sort(key=lambda line: line[0])
    text = "Name,Email,Lineitem name,Lineitem quantity,Created at\n"
    text += "".join(line.format(number) + "\n" for number, (_, line) in enumerate(lines, start=1001))
    path.write_text(text, encoding="utf-8")
