"""How events are divided, and which test users and items count."""

from dataclasses import dataclass
from typing import Literal

from als_cli.config.evaluate import CandidatesConfig, EvaluateConfig, Split

FEWEST_USERS = 30
"""With fewer test users, chance decides: figures come with a warning, and a gate fails."""


@dataclass(frozen=True)
class SplitProtocol:
    """What a division of events depends on."""

    split: Split
    exclude_seen: bool = True
    """Whether training items are left out of the lists, and out of the test items."""
    users: Literal["all"] | int = "all"
    """All users with test items, or a sample of this many."""
    seed: int = 0
    """Seed of the sample."""
    candidates: CandidatesConfig | None = None
    """The only items to rank for each user; None: all items."""

    @classmethod
    def of(cls, config: EvaluateConfig) -> "SplitProtocol":
        """Return the protocol of section `evaluate`."""
        return cls(config.split, config.exclude_seen, config.users, config.seed, config.candidates)
