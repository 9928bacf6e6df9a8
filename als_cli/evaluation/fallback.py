"""How much of the lists the fallback for people without history would fill."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FallbackFraction:
    """The part of the fallback in the lists of all test users, had they been made at the end of the training period."""

    test_users: int
    """Everybody with a test item, at least one."""
    lists: int
    """Those without history, whom the model cannot serve."""
    items: int
    """Items of the popularity list."""

    @property
    def of_lists(self) -> float:
        """Fraction of the lists, 0 to 1."""
        return self.lists / self.test_users

    def of_places(self, k: int, filled_by_model: float) -> float:
        """Return the fraction of the filled places of lists of `k`, 0 to 1, given the mean that the model fills per list.

        The mean is that of the evaluated users; it stands for all users with history. 0 where nothing is filled.
        """
        own = self.lists * min(k, self.items)
        filled = own + (self.test_users - self.lists) * filled_by_model
        return own / filled if filled else 0.0
