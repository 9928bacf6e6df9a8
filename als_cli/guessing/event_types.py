"""Weights of event types: known words, and otherwise the frequency."""

from collections.abc import Mapping
from dataclasses import dataclass

from als_cli.guessing.names import words_in

MAXIMUM_TYPES = 50
"""Maximum number of types that get a weight."""
_REFUND, _PURCHASE, _CHECKOUT, _CART, _LIKED, _VIEW, _SHOWN = -5.0, 5.0, 4.0, 3.0, 2.0, 1.0, 0.2
_UNCART, _DISLIKED = -3.0, -2.0
_PHRASES: tuple[tuple[float, tuple[str, ...]], ...] = (
    (_REFUND, ("refund", "refunded", "return", "returned", "cancel", "cancelled", "canceled", "voided")),
    (_REFUND, ("chargeback", "reversal", "void", "credit")),
    (_UNCART, ("remove cart", "removefromcart", "remove basket", "delete cart", "uncart", "rm cart")),
    (_DISLIKED, ("dislike", "downvote", "unlike", "unfollow", "unsubscribe", "hide", "report", "skip")),
    (_DISLIKED, ("remove wishlist", "unsave", "unbookmark", "thumbs down", "block")),
    (_SHOWN, ("impression", "view list", "shown", "displayed", "promotion")),
    (_CHECKOUT, ("checkout", "payment", "shipping info", "add payment", "authorized", "pending")),
    (_CART, ("cart", "addtocart", "basket", "bag", "reserve", "add list")),
    (_PURCHASE, ("purchase", "transaction", "order", "buy", "bought", "sale", "paid", "conversion")),
    (_PURCHASE, ("fulfilled", "subscribe", "purchased", "rent", "donate", "install", "complete")),
    (_PURCHASE, ("booking", "apply", "application", "partially paid")),
    (_LIKED, ("like", "favorite", "favourite", "fav", "wishlist", "bookmark", "save", "upvote")),
    (_LIKED, ("follow", "share", "comment", "review", "rate", "rating", "download", "thumbs up", "love")),
    (_VIEW, ("view", "pageview", "click", "visit", "open", "read", "play", "listen", "watch", "stream")),
    (_VIEW, ("detail", "select", "pv", "viewed", "clicked", "look", "search", "screen", "hover")),
)
"""Weights and their words, in the order in which they are tried. All words of a phrase must be in the name."""
_MAXIMUM_BY_FREQUENCY = 5.0


@dataclass(frozen=True)
class TypeWeight:
    """The weight of one event type."""

    weight: float
    is_known: bool
    """Whether the name is known. Otherwise the weight comes from the frequency."""
    fraction: float
    """Fraction of the events of the sample."""


def known_weight(name: str) -> float | None:
    """Return the weight of an event type with a known name, for example 5 for a purchase; None for other names."""
    words = words_in(name)
    joined = "".join(words)
    for weight, phrases in _PHRASES:
        for phrase in phrases:
            if phrase == joined or all(_has(words, word) for word in phrase.split()):
                return weight
    return None


def weights_of(counts: Mapping[str, int]) -> dict[str, TypeWeight]:
    """Return the weight of each event type in `counts`, the number of events by type, most frequent first.

    A type without a known name gets a weight by its frequency: the square root of how much more frequent the most
    frequent type is, from 1 to 5, in steps of 0.5. Rare events are often strong signals.
    """
    total, most = sum(counts.values()), max(counts.values(), default=1)
    found = {}
    for name, rows in sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])):
        known = known_weight(name)
        by_frequency = min(_MAXIMUM_BY_FREQUENCY, max(1.0, round(2 * (most / max(1, rows)) ** 0.5) / 2))
        weight = by_frequency if known is None else known
        found[name] = TypeWeight(weight, known is not None, rows / max(1, total))
    return found


def _has(words: list[str], word: str) -> bool:
    return any(one in (word, f"{word}s", f"{word}ed") for one in words)
