"""Settings of a division of events into a training set and a test set."""

from dataclasses import dataclass
from typing import Literal

from als_cli.config.evaluate import CandidatesConfig, EvaluateConfig, GivenSplit

MINIMUM_TEST_USERS = 30
"""Minimum number of test users. With fewer, metrics have a warning, and a gate is not met."""


@dataclass(frozen=True)
class SplitProtocol:
    """Settings that a division of events depends on."""

    split: GivenSplit
    exclude_seen: bool = True
    """Whether training items are left out of the lists and of the test items."""
    users: Literal["all"] | int = "all"
    """All users with test items, or a random sample of this size."""
    seed: int = 0
    """Seed of the sample."""
    candidates: CandidatesConfig | None = None
    """The only items to rank for each user; None: all items."""

    @classmethod
    def of(cls, config: EvaluateConfig, split: GivenSplit) -> "SplitProtocol":
        """Return the protocol of section `evaluate`, with `split` instead of the split of the section."""
        return cls(split, config.exclude_seen, config.users, config.seed, config.candidates)
