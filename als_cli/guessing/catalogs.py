"""The columns of a catalogue, from the items of the events that it contains."""

from dataclasses import dataclass

import polars as pl

from als_cli.guessing.facts import ColumnFacts, facts_of, text_of
from als_cli.guessing.guess import LIKELY, Guess
from als_cli.guessing.names import name_score
from als_cli.guessing.samples import Sample

_SAME_TITLE = 0.9
"""Minimum fraction of rows with the most frequent title of their item, for a column of titles."""
_OWN_TITLE, _LONG_TITLE, _WITH_WORDS = 0.9, 100, 0.3
"""Of a column of titles with an unknown name: minimum number of texts per item, maximum mean length, and minimum fraction
of texts with two words."""


@dataclass(frozen=True)
class CatalogGuess:
    """A catalogue and the guesses about its columns."""

    sample: Sample
    item: Guess
    title: Guess | None
    join_rate: float
    """Fraction of the items of the sampled events that the sampled rows of the catalogue contain."""


def guess_catalog(sample: Sample, items: pl.Series) -> CatalogGuess | None:
    """Return the columns of the catalogue `sample` for the `items` of events (text); None if no column has them."""
    facts = facts_of(sample.frame)
    wanted = items.drop_nulls().unique()
    rates = {
        name: _fraction_in(wanted, text_of(sample.frame[name]))
        for name, one in facts.items()
        if one.is_id_like
    }
    ranked = sorted(
        rates, key=lambda name: (-round(rates[name], 2), -name_score("item", name), facts[name].position)
    )
    if not ranked or not rates[ranked[0]]:
        return None
    best, rate = ranked[0], rates[ranked[0]]
    reason = f"it contains {rate:.0%} of the items of the events"
    item = Guess(
        "recommend.items.columns.item", best, min(0.98, 0.5 + rate / 2), (reason,), tuple(ranked[1:4])
    )
    return CatalogGuess(sample, item, _title_of(facts, best), rate)


def guess_title(
    frame: pl.DataFrame, facts: dict[str, ColumnFacts], item: str, taken: set[str]
) -> Guess | None:
    """Return the column of `frame`, the events, that has a title for each item, or None.

    A title is a text that is the same in almost all rows of an item, and differs between items.
    """
    key = "events.columns.title"
    pairs = text_of(frame[item]).alias("item")
    found = []
    for name, one in facts.items():
        if name in taken or not _can_be_title(one) or one.distinct < 0.3 * facts[item].distinct:
            continue
        named = name_score("title", name)
        titles = text_of(frame[name]).alias("title")
        if named == 0 and not name.isdigit() and not _reads_like_titles(one, titles, facts[item].distinct):
            continue
        same = _fraction_with_usual_title(pairs, titles)
        if same >= (_SAME_TITLE if named or name.isdigit() else 1):
            reason = f"{same:.0%} of the rows have the usual text of their item"
            found.append(Guess(key, name, max(0.55 + 0.4 * named, LIKELY * (same == 1)), (reason,)))
    return max(found, key=lambda guess: guess.confidence, default=None)


def _reads_like_titles(facts: ColumnFacts, titles: pl.Series, items: int) -> bool:
    """Return whether a column whose name is unknown has a text of words for almost each of the `items`."""
    values = titles.drop_nulls()
    words = float(values.str.contains(r"\p{L}.* .*\p{L}").mean() or 0)  # type: ignore[arg-type]
    return facts.distinct >= _OWN_TITLE * items and facts.length <= _LONG_TITLE and words >= _WITH_WORDS


def _fraction_in(wanted: pl.Series, ids: pl.Series) -> float:
    known = wanted.is_in(ids.drop_nulls().unique().implode())
    return int(known.sum()) / max(1, len(wanted))


def _title_of(facts: dict[str, ColumnFacts], item: str) -> Guess | None:
    key = "recommend.items.columns.title"
    texts = [
        one for name, one in facts.items() if name != item and _can_be_title(one) and one.blank_fraction < 0.5
    ]
    named = [(name_score("title", one.name) + 0.3 * (one.name.lower() == "title"), one) for one in texts]
    score, best = max(named, key=lambda entry: (entry[0], -entry[1].position), default=(0.0, None))
    if best is not None and score >= 0.5:
        return Guess(key, best.name, min(0.95, score), ("the name is usual for a title",))
    if best is not None and best.name.isdigit() and best.distinct > 0.8 * best.values:
        first = next(one for one in texts if one.distinct > 0.8 * one.values)
        return Guess(key, first.name, 0.6, ("the first column of different texts",))
    return None


def _can_be_title(facts: ColumnFacts) -> bool:
    is_text = facts.dtype in (pl.String, pl.Categorical) and facts.numbers < 0.5 * facts.values
    return is_text and facts.distinct > 1 and 3 <= facts.length <= 300 and facts.emails == 0


def _fraction_with_usual_title(items: pl.Series, titles: pl.Series) -> float:
    pairs = pl.DataFrame([items, titles]).drop_nulls().group_by("item", "title").agg(pl.len())
    by_item = pairs.group_by("item").agg(pl.col("len").max().alias("usual"), pl.col("len").sum())
    repeated = by_item.filter(pl.col("len") > 1)
    rows = int(repeated["len"].sum())
    return int(repeated["usual"].sum()) / rows if rows else 0.0
