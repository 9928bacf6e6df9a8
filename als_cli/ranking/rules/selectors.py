"""How a list chooses from the items that are offered to it: in order of score, for difference, or at random."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol
from zlib import crc32

import numpy as np
import numpy.typing as npt
import polars as pl

from als_cli.als.threads import Workers
from als_cli.arrays import BoolArray, Float32Array, Int64Array
from als_cli.ranking.kernel_data import PackedDiversity, PackedLists, PackedOffers, PackedState, frozen
from als_cli.ranking.kernel_entries import take_diverse, take_offers
from als_cli.ranking.top_n import norms

_USERS_TOGETHER = 1024
UInt64Array = npt.NDArray[np.uint64]


class HasPackedState(Protocol):
    """The limits of lists, and the items that count in each list."""

    @property
    def packed(self) -> PackedState:
        """The state for kernels, which change it."""
        ...


@dataclass(frozen=True)
class _CopiedState:
    packed: PackedState


@dataclass(frozen=True)
class Turn:
    """One round of filling lists: what the kernels change."""

    state: HasPackedState
    lists: PackedLists
    wanted: Int64Array
    """(B,)."""
    is_done: BoolArray
    """(B,)."""
    threads: int

    def copied(self) -> "Turn":
        """Return a copy, which kernels can change without an effect on these lists."""
        packed, lists = self.state.packed, self.lists
        state = packed._replace(
            rows=packed.rows.copy(), filled=packed.filled.copy(), repeats=packed.repeats.copy()
        )
        lists = PackedLists(lists.rows.copy(), lists.scores.copy(), lists.filled.copy())
        return replace(self, state=_CopiedState(state), lists=lists, is_done=self.is_done.copy())

    def run(self, kernel: Callable[..., None], offers: PackedOffers, *arguments: Callable[[], Any]) -> None:
        """Let `kernel` take `offers`, in pieces on all threads. Each piece gets what `arguments` return."""
        state, wanted = self.state.packed, frozen(self.wanted)

        def take(users: slice) -> None:
            piece = offers._replace(
                rows=offers.rows[users], scores=offers.scores[users], users=offers.users[users]
            )
            kernel(piece, state, self.lists, wanted, self.is_done, *(make() for make in arguments))

        starts = range(0, len(offers.users), _USERS_TOGETHER)
        with Workers(self.threads) as workers:
            workers.map(take, [slice(start, start + _USERS_TOGETHER) for start in starts])


class Selector(Protocol):
    """A way to choose from offered items."""

    pool: int
    """Minimum number of items to offer."""

    def take(self, offers: PackedOffers, turn: Turn) -> None:
        """Append `offers` (M, m) to the lists that may take them."""
        ...


class InOrder:
    """In order of score."""

    pool = 0

    def take(self, offers: PackedOffers, turn: Turn) -> None:
        """See :class:`Selector`."""
        turn.run(take_offers, offers)


IN_ORDER = InOrder()


class Diverse:
    """By maximal marginal relevance (Carbonell, Goldstein 1998): (1 - s) score / best score - s (largest cosine).

    The cosine is that of the factors of the item and of an item that was chosen before. Ties: the higher score first.
    """

    def __init__(self, items: Float32Array, strength: float, pool: int) -> None:
        """Choose from the `pool` best items of a user, by the factors `items` (I, f)."""
        lengths = norms(items)
        units = items / np.where(lengths > 0, lengths, 1.0)[:, None]
        self.pool = pool
        self._units = frozen(np.ascontiguousarray(units, np.float32).reshape(-1))
        self._size, self._strength = items.shape[1], np.float32(strength)

    def take(self, offers: PackedOffers, turn: Turn) -> None:
        """See :class:`Selector`."""
        m = offers.rows.shape[1]

        def scratch() -> PackedDiversity:
            penalties, is_taken = np.empty(m, np.float32), np.empty(m, np.uint8)
            return PackedDiversity(self._units, self._size, self._strength, penalties, is_taken)

        turn.run(take_diverse, offers, scratch)


class Compared:
    """Another selector, with a note of the slots whose item differs from that in order of score."""

    def __init__(self, selector: Selector, users: int) -> None:
        """Let `selector` choose for a block of `users` users."""
        self.pool, self._selector = selector.pool, selector
        self._differing: Int64Array = np.zeros(users, np.int64)

    @property
    def users_and_slots(self) -> tuple[int, int]:
        """Users whose list differs from the order of score, and slots with another item."""
        return int(np.count_nonzero(self._differing)), int(self._differing.sum())

    def take(self, offers: PackedOffers, turn: Turn) -> None:
        """See :class:`Selector`."""
        in_order = turn.copied()
        IN_ORDER.take(offers, in_order)
        self._selector.take(offers, turn)
        self._differing += (turn.lists.rows != in_order.lists.rows).sum(axis=1)


class AtRandom:
    """At random, by a key per user."""

    def __init__(self, keys: UInt64Array, pool: int) -> None:
        """Choose from the `pool` best items of a user. `keys` (B,) determine the samples."""
        self.pool, self._keys = pool, keys

    def take(self, offers: PackedOffers, turn: Turn) -> None:
        """See :class:`Selector`."""
        places: UInt64Array = np.arange(offers.rows.shape[1], dtype=np.uint64)
        samples = _mixed(np.add(self._keys[offers.users][:, None], places, dtype=np.uint64))
        possible = (offers.rows >= 0) & (offers.scores >= offers.minimum)
        order = np.argsort(np.where(possible, samples >> np.uint64(1), np.uint64(2**64 - 1)), axis=1)
        shuffled = offers._replace(
            rows=np.take_along_axis(offers.rows, order, 1), scores=np.take_along_axis(offers.scores, order, 1)
        )
        IN_ORDER.take(shuffled, turn)


def sample_keys(user_ids: pl.Series, seed: int) -> UInt64Array:
    """Return a key for each of `user_ids` (B,), from the id as text and `seed`: (B,) uint64."""
    hashes = np.array([crc32(text.encode()) for text in user_ids.cast(pl.String)], np.uint64)
    return _mixed(hashes + np.full(len(hashes), seed << 32, np.uint64))


def _mixed(values: UInt64Array) -> UInt64Array:
    """Return `values` mixed by the finalizer of SplitMix64 (Steele, Lea, Flood 2014)."""
    with np.errstate(over="ignore"):
        z = values + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed: UInt64Array = z ^ (z >> np.uint64(31))
    return mixed
