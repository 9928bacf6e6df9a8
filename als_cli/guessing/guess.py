"""A guess: a value, how sure it is, and why."""

from dataclasses import dataclass
from typing import Any

SURE = 0.85
"""Confidence from which a guess needs no question."""
LIKELY = 0.6


@dataclass(frozen=True)
class Guess:
    """The guessed value of one key of the config."""

    key: str
    """The key, for example ``events.columns.user``."""
    value: Any
    """None if the key stays absent."""
    confidence: float
    """From 0 to 1."""
    reasons: tuple[str, ...]
    alternatives: tuple[Any, ...] = ()
    """Other values, the likeliest first."""

    @property
    def sureness(self) -> str:
        """The confidence in a word: sure, likely or unsure."""
        return "sure" if self.confidence >= SURE else "likely" if self.confidence >= LIKELY else "unsure"
