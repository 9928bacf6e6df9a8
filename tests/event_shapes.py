"""Event files in the shapes of well-known exports, from a seeded generator. No data is copied, only the columns."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

START = datetime(2024, 3, 1, tzinfo=UTC)
DAYS = 60
USERS, ITEMS, GROUPS = 120, 48, 4


@dataclass(frozen=True)
class Events:
    """Users that prefer the items of their group."""

    user: np.ndarray
    """(N,) from 0."""
    item: np.ndarray
    """(N,) from 0."""
    seconds: np.ndarray
    """(N,) since START, ascending."""
    kind: np.ndarray
    """(N,) from 0, weak to strong."""
    rng: np.random.Generator


def events(rows: int = 2400, seed: int = 5, kinds: tuple[float, ...] = (0.75, 0.15, 0.1)) -> Events:
    """Return seeded events; `kinds` has the fractions of the kinds."""
    rng = np.random.default_rng(seed)
    user = rng.integers(0, USERS, rows)
    size = ITEMS // GROUPS
    item = (user % GROUPS) * size + np.minimum(rng.geometric(0.2, rows) - 1, size - 1)
    stray = rng.random(rows) < 0.15
    item[stray] = rng.integers(0, ITEMS, stray.sum())
    seconds = np.sort(rng.integers(0, DAYS * 86_400, rows))
    return Events(user, item, seconds, rng.choice(len(kinds), rows, p=kinds), rng)


def _times(made: Events) -> list[datetime]:
    return [START + timedelta(seconds=int(second)) for second in made.seconds]


def retail_rocket(folder: Path) -> Path:
    """Write clicks of a shop as RetailRocket has them: ms, visitor, event, item, transaction."""
    made = events()
    is_bought = made.kind == 2
    path = folder / "events.csv"
    pl.DataFrame(
        {
            "timestamp": (made.seconds + int(START.timestamp())) * 1000
            + made.rng.integers(0, 1000, len(made.user)),
            "visitorid": made.user * 7 + 1000,
            "event": np.array(["view", "addtocart", "transaction"])[made.kind],
            "itemid": made.item * 13 + 50,
            "transactionid": [str(n) if bought else None for n, bought in enumerate(is_bought)],
        }
    ).write_csv(path)
    return path


def amazon_reviews(folder: Path) -> Path:
    """Write reviews as NDJSON with reviewerID, asin, overall and unixReviewTime in whole days."""
    made = events(kinds=(0.1, 0.1, 0.2, 0.3, 0.3))
    path = folder / "reviews.jsonl"
    days = made.seconds // 86_400 * 86_400 + int(START.timestamp())
    pl.DataFrame(
        {
            "reviewerID": [f"A{n * 7919 % 100_000:05d}XQ" for n in made.user],
            "asin": [f"B00{n * 104_729 % 1_000_000:06d}" for n in made.item],
            "reviewerName": [f"Reader {n}" for n in made.user],
            "helpful": [[0, int(n % 3)] for n in made.user],
            "reviewText": [f"Text {n} about something that was read" for n in range(len(made.user))],
            "overall": (made.kind + 1).astype(float),
            "summary": [f"Summary {n}" for n in range(len(made.user))],
            "unixReviewTime": days,
            "reviewTime": [f"{datetime.fromtimestamp(int(day), UTC):%m %-d, %Y}" for day in days],
        }
    ).write_ndjson(path)
    return path


def lastfm_plays(folder: Path) -> Path:
    """Write plays per user and artist as TSV without header and time: user, artist id, artist name, plays."""
    made = events(rows=3000)
    rows = pl.DataFrame({"user": made.user, "item": made.item}).unique(maintain_order=True)
    path = folder / "plays.tsv"
    pl.DataFrame(
        {
            "user": [f"{n * 2_654_435_761 % 2**32:08x}{n:032x}" for n in rows["user"]],
            "artist": [f"{n:08x}-5a6b-4c7d-8e9f-{n * 97:012x}" for n in rows["item"]],
            "name": [f'The "{n}" Band, {n % 7}' for n in rows["item"]],
            "plays": np.ceil(made.rng.pareto(1.1, rows.height) * 20 + 1).astype(int),
        }
    ).write_csv(path, separator="\t", include_header=False, quote_style="never")
    return path


def ga4_export(folder: Path, *, as_json: bool = False) -> Path:
    """Write an export of web analytics: one row per hit, with a list of items; some hits have none."""
    made = events(kinds=(0.3, 0.4, 0.2, 0.1))
    names = ("page_view", "view_item", "add_to_cart", "purchase")
    rows = []
    for n, (user, item, kind) in enumerate(zip(made.user, made.item, made.kind, strict=True)):
        ids = [item, *([int(made.rng.integers(0, ITEMS))] if kind == 3 else [])] if kind else []
        rows.append(
            {
                "event_date": f"{_times(made)[n]:%Y%m%d}" if n < 3 else "20240301",
                "event_timestamp": (int(made.seconds[n]) + int(START.timestamp())) * 1_000_000 + n % 1000,
                "event_name": names[kind],
                "user_pseudo_id": f"{user * 97 + 10**9}.{user + 17 * 10**8}",
                "geo": {"country": ("Germany", "France")[user % 2], "city": "(not set)"},
                "event_params": [{"key": "page_title", "value": {"string_value": f"Page {n % 9}"}}],
                "items": [
                    {
                        "item_id": f"SKU{one:03d}",
                        "item_name": f"Mug number {one}",
                        "price": 9.5,
                        "quantity": 1,
                    }
                    for one in ids
                ],
            }
        )
    path = folder / ("ga4.ndjson" if as_json else "ga4.parquet")
    if as_json:
        # BigQuery writes 64-bit integers as texts in JSON.
        lines = [json.dumps(row | {"event_timestamp": str(row["event_timestamp"])}) for row in rows]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    else:
        pl.DataFrame(rows).write_parquet(path)
    return path


def shopify_orders(folder: Path) -> Path:
    """Write order lines: the status and the total are only on the first line of an order, times have a zone."""
    made = events(rows=1800)
    orders = np.cumsum(np.r_[True, (made.rng.random(len(made.user) - 1) < 0.6)])
    first = np.r_[True, np.diff(orders) > 0]
    owner = made.user[first][orders - 1]
    time = np.array(_times(made))[first][orders - 1]
    status = np.where(made.rng.random(orders[-1]) < 0.05, "refunded", "paid")[orders - 1]
    zone = [when + timedelta(hours=2) for when in time]
    item = (owner % GROUPS) * (ITEMS // GROUPS) + made.item % (ITEMS // GROUPS)
    path = folder / "orders_export.csv"
    pl.DataFrame(
        {
            "Name": [f"#{1000 + n}" for n in orders],
            "Email": [f"someone{n}@example.com" for n in owner],
            "Financial Status": [
                one if is_first else None for one, is_first in zip(status, first, strict=True)
            ],
            "Currency": "EUR",
            "Total": [
                f"{n % 90}.50" if is_first else None for n, is_first in zip(orders, first, strict=True)
            ],
            "Created at": [f"{when:%Y-%m-%d %H:%M:%S} +0200" for when in zone],
            "Lineitem quantity": made.rng.integers(1, 4, len(owner)),
            "Lineitem name": [f"Candle, size {n}" for n in item],
            "Lineitem price": [f"{5 + n}.00" for n in item],
            "Lineitem sku": [f"CAN-{n:03d}" for n in item],
            "Billing Name": [f"Some One{n}" for n in owner],
            "Vendor": "Maker",
        }
    ).write_csv(path)
    return path


def hive_folder(folder: Path, *, by: str = "date") -> Path:
    """Write Parquet files in Hive partitions by `date`, which is then the only time, or by `event_type`."""
    made = events()
    times = _times(made)
    kinds = np.array(["view", "cart", "purchase"])[made.kind]
    table = pl.DataFrame(
        {
            "customer_id": made.user,
            "product_id": [f"p{n}" for n in made.item],
            "date": [f"{time:%Y-%m-%d}" for time in times],
            "event_type": kinds,
            "occurred_at": times,
        }
    ).drop("occurred_at" if by == "date" else "date")
    place = folder / "lake"
    for (value,), rows in table.partition_by(
        by, as_dict=True, include_key=False, maintain_order=True
    ).items():
        part = place / f"{by}={value}"
        part.mkdir(parents=True)
        rows.write_parquet(part / "part-0.parquet")
    return place


def catalog(folder: Path) -> Path:
    """Write a catalogue of the items of :func:`retail_rocket`, with a separator and an encoding of its own."""
    path = folder / "items.txt"
    lines = ["id;label;price", *(f"{n * 13 + 50};Tasse für {n};{n}" for n in range(ITEMS))]
    path.write_text("\n".join(lines) + "\n", encoding="latin-1")
    return path


def movielens_folder(folder: Path) -> Path:
    """Write the files of the small MovieLens data: ratings, movies, links, tags and a README."""
    made = events(4000)
    times = made.seconds + int(START.timestamp())
    tagged = made.rng.choice(len(made.user), 300, replace=False)
    movies = np.arange(ITEMS) * 3 + 1
    below = folder / "movies"
    below.mkdir()
    files = {
        "ratings": {
            "userId": made.user + 1,
            "movieId": made.item * 3 + 1,
            "rating": made.rng.choice(np.arange(1, 11) / 2, len(made.user), p=[0.04] * 5 + [0.16] * 5),
            "timestamp": times,
        },
        "movies": {
            "movieId": movies,
            "title": [f"Film {n}, The ({1950 + n})" for n in range(ITEMS)],
            "genres": [("Drama|War", "Comedy", "Action|Crime|Thriller")[n % 3] for n in range(ITEMS)],
        },
        "links": {"movieId": movies, "imdbId": [f"{n * 7:07}" for n in movies], "tmdbId": movies * 11},
        "tags": {
            "userId": made.user[tagged] + 1,
            "movieId": made.item[tagged] * 3 + 1,
            "tag": made.rng.choice(["funny", "dark comedy", "way too long"], len(tagged)),
            "timestamp": times[tagged],
        },
    }
    for name, columns in files.items():
        pl.DataFrame(columns).write_csv(below / f"{name}.csv")
    readme = 'Summary\n=======\n\nThe data has ratings and tags.\nThe titles are as "entered" there.\n'
    (below / "README.txt").write_text(readme, encoding="utf-8")
    return below
