"""Make the events and the catalogue of a small synthetic shop. The same seed makes the same rows.

    python sample_data/make_sample_data.py [FOLDER]

No row describes a real person. Each shopper prefers a few themes (baking, cycling, ...) and one style. Some shoppers
change to a new theme. Shoppers have sessions over 90 days. They put some viewed items into the cart, buy some items of
the cart, and return a few purchases. The last day is a CSV file with other column names and a few broken rows, as
another system exports it.
"""

import sys
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow.parquet as pq
from shop import BRANDS, THEMES, VARIANTS

SEED = 20250101
START, DAYS, DAY = datetime(2025, 1, 1), 90, 86_400  # noqa: DTZ001 - local time without a zone, as in typical exports
SHOPPERS, SESSIONS, STYLES = 3_000, 36_000, 5
FUNNEL = {"view": 1.0, "cart": 0.25, "purchase": 0.45}
LABEL = {b"origin": b"synthetic, made by sample_data/make_sample_data.py; no real shoppers"}

Numbers = npt.NDArray[np.int64]
Weights = npt.NDArray[np.float64]


def sample(rng: np.random.Generator, weights: Weights, size: int) -> Numbers:
    """Return (size,) positions, sampled in proportion to `weights`."""
    cumulative = np.cumsum(weights)
    return np.searchsorted(cumulative, rng.random(size) * cumulative[-1], side="right")


def make_catalog(rng: np.random.Generator) -> pl.DataFrame:
    """Return 600 items: item_id, title, category, brand, price, in_stock, theme, style, appeal, launch."""
    rows = [
        (
            f"{noun} {variant}" if category == "Books" else f"{variant} {noun}",
            category,
            float(price),
            theme,
            style,
        )
        for theme, categories in enumerate(THEMES.values())
        for category, nouns in categories.items()
        for noun, price in nouns.items()
        for style, variant in enumerate(VARIANTS[category])
    ]
    items = pl.DataFrame(rows, orient="row", schema=["title", "category", "price", "theme", "style"])
    order = np.argsort(rng.random(items.height))
    launch = np.where(rng.random(items.height) < 0.15, rng.random(items.height) * 80, 0.0)
    return items.select(
        (
            pl.col("category").str.slice(0, 3).str.to_uppercase()
            + "-"
            + pl.Series(1000 + order).cast(pl.String)
        ).alias("item_id"),
        "title",
        "category",
        pl.Series("brand", [BRANDS[b] for b in sample(rng, np.ones(len(BRANDS)), items.height)]),
        (pl.col("price") * pl.Series(0.8 + 0.6 * rng.random(items.height))).floor() + 0.95,
        pl.Series("in_stock", rng.random(items.height) > 0.08),
        "theme",
        "style",
        pl.Series("appeal", (1 + np.argsort(rng.random(items.height)) % 50) ** -0.8),  # long-tailed
        pl.Series("launch", launch),
    )


def make_sessions(rng: np.random.Generator) -> pl.DataFrame:
    """Return one row per session: shopper, day (fractional, from the start), theme, style."""
    themes = sample(rng, np.linspace(2.0, 1.0, len(THEMES)), 3 * SHOPPERS).reshape(
        3, SHOPPERS
    )  # main, second, later
    turning_day = np.where(rng.random(SHOPPERS) < 0.3, rng.random(SHOPPERS) * DAYS, DAYS)
    first_day = np.maximum(0, rng.random(SHOPPERS) * 1.4 * DAYS - 0.5 * DAYS)  # 36 % start on day 0
    style = sample(rng, np.ones(STYLES), SHOPPERS)
    activity = np.minimum((1 - rng.random(SHOPPERS)) ** -0.6, 12)
    shopper = sample(rng, activity, SESSIONS)  # a few shoppers have very many sessions
    day = np.floor(first_day[shopper] + rng.random(SESSIONS) * (DAYS - first_day[shopper]))
    hour = sample(rng, 1.2 + np.sin((np.arange(24) - 14) * np.pi / 12), SESSIONS)  # most in the evening
    main = np.where(day < turning_day[shopper], themes[0, shopper], themes[2, shopper])
    mood = rng.random(SESSIONS)
    anything = sample(rng, np.ones(len(THEMES)), SESSIONS)
    theme = np.select([mood < 0.68, mood < 0.88], [main, themes[1, shopper]], anything)
    return pl.DataFrame({"shopper": shopper, "day": day + hour / 24, "theme": theme, "style": style[shopper]})


def make_views(rng: np.random.Generator, sessions: pl.DataFrame, catalog: pl.DataFrame) -> pl.DataFrame:
    """Return one row per viewed item: shopper, item (row in the catalogue), second (from the start)."""
    length = 1 + sample(rng, 0.72 ** np.arange(12), sessions.height)
    session = np.repeat(np.arange(sessions.height), length)
    step = np.arange(session.size) - np.repeat(np.cumsum(length) - length, length)
    theme, style = (sessions[name].to_numpy()[session] for name in ("theme", "style"))
    item = np.zeros(session.size, dtype=np.int64)
    for t in range(len(THEMES)):
        for s in range(STYLES):
            liked = (theme == t) & (style == s)
            taste = np.where(catalog["style"].to_numpy() == s, 4.0, 1.0) * (catalog["theme"].to_numpy() == t)
            item[liked] = sample(rng, catalog["appeal"].to_numpy() * taste, int(liked.sum()))
    second = (sessions["day"].to_numpy()[session] * DAY + 3000 * rng.random(sessions.height)[session]).astype(
        np.int64
    )
    second += step * 41 + (19 * rng.random(session.size)).astype(np.int64)
    shopper = sessions["shopper"].to_numpy()[session]
    views = pl.DataFrame({"shopper": shopper, "item": item, "second": second, "session": session})
    views = views.unique(["session", "item"], keep="first", maintain_order=True).drop("session")
    on_sale = pl.Series(catalog["launch"].to_numpy()[views["item"]] * DAY)
    return views.filter(pl.col("second") >= on_sale, pl.col("second") < DAYS * DAY)


def make_events(rng: np.random.Generator, views: pl.DataFrame) -> pl.DataFrame:
    """Return all events in time order: shopper, item, second, event, quantity (negative: returned)."""
    stages, reached = [], views
    for delay, (event, fraction) in enumerate(FUNNEL.items()):
        reached = reached.filter(rng.random(reached.height) < fraction).with_columns(
            pl.col("second") + 60 * delay
        )
        quantity = 1 + (sample(rng, np.array([80.0, 14, 4, 2]), reached.height) if event == "purchase" else 0)
        stages.append(
            reached.with_columns(
                pl.lit(event).alias("event"), pl.lit(quantity).cast(pl.Int64).alias("quantity")
            )
        )
    returned = stages[-1].filter(rng.random(reached.height) < 0.02)
    stages.append(returned.with_columns(pl.col("second") + 6 * DAY, -pl.col("quantity")))
    return (
        pl.concat(stages)
        .filter(pl.col("second") < DAYS * DAY)
        .sort("second", "shopper", "item", maintain_order=True)
    )


def name_columns(events: pl.DataFrame, catalog: pl.DataFrame) -> pl.DataFrame:
    """Return the events with the columns of the shop: user_id, item_id, ts, event, quantity."""
    return events.select(
        pl.format("u{}", pl.col("shopper").cast(pl.String).str.zfill(5)).alias("user_id"),
        catalog["item_id"].gather(events["item"]).alias("item_id"),
        (pl.lit(START).dt.cast_time_unit("ms") + pl.duration(seconds="second", time_unit="ms")).alias("ts"),
        "event",
        "quantity",
    )


def export_as_till(events: pl.DataFrame) -> pl.DataFrame:
    """Return the events as another system exports them: times as text, other names, a few rows without user or time."""
    row = pl.int_range(pl.len())
    return events.select(
        pl.when(row % 97 != 50).then("user_id").alias("customer"),
        pl.col("item_id").alias("sku"),
        pl.when(row % 193 == 7)
        .then(pl.lit("2025-02-30 25:00"))
        .otherwise(pl.col("ts").dt.strftime("%Y-%m-%d %H:%M:%S"))
        .alias("time"),
        pl.col("event").alias("action"),
        pl.col("quantity").alias("pieces"),
    )


def write_parquet(table: pl.DataFrame, path: Path) -> None:
    """Write `table`. The metadata of the file says that the data is synthetic."""
    arrow = table.to_arrow(compat_level=pl.CompatLevel.oldest())
    arrow = arrow.replace_schema_metadata(LABEL)
    times = ["ts"] if "ts" in table.columns else []
    pq.write_table(
        arrow,
        path,
        compression="zstd",
        use_dictionary=[name for name in table.columns if name not in times],
        column_encoding=dict.fromkeys(times, "DELTA_BINARY_PACKED"),
    )


def main(folder: Path) -> None:
    """Write events.parquet, events_till.csv and catalog.parquet into `folder`."""
    rng = np.random.default_rng(SEED)
    catalog = make_catalog(rng)
    events = name_columns(make_events(rng, make_views(rng, make_sessions(rng), catalog)), catalog)
    last_day = pl.col("ts") >= pl.lit(START).dt.offset_by(f"{DAYS - 1}d")
    folder.mkdir(parents=True, exist_ok=True)
    write_parquet(events.filter(~last_day), folder / "events.parquet")
    export_as_till(events.filter(last_day)).write_csv(folder / "events_till.csv", separator=";")
    write_parquet(
        catalog.drop("theme", "style", "appeal", "launch").sort("item_id"), folder / "catalog.parquet"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
