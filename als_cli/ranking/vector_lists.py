"""Lists of the best rows of one table of vectors for the rows of another: similar items, similar users, users of items."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix

from als_cli.arrays import BoolArray, Float32Array
from als_cli.ranking.lists import LIMITS, MINIMUM_SCORE, TOO_FEW_CANDIDATES
from als_cli.ranking.masks import Masks
from als_cli.ranking.memory import block_size, check_memory, ranking_bytes
from als_cli.ranking.rules.fill import OpenLists, RankedItems, SourceScores
from als_cli.ranking.rules.limits import ListLimits
from als_cli.ranking.similar import unit_vectors
from als_cli.ranking.top_n import TopN

NO_VECTOR, MINIMUM_SUPPORT = "no_vector", "minimum_support"


@dataclass(frozen=True)
class VectorTable:
    """R rows with ids and vectors."""

    column: str
    """The column of the ids in the output."""
    ids: pl.Series
    """(R,), sorted."""
    vectors: Float32Array
    """(R, f) float32."""
    supported: BoolArray | None = None
    """(R,) whether a row has the minimum support; None means all rows."""

    def problems(self) -> pl.Series:
        """Return why a row gets no list and is in no list, null for rows without a problem: (R,) String."""
        is_usable = pl.Series(self.vectors.any(axis=1) & np.isfinite(self.vectors).all(axis=1))
        is_supported = pl.lit(True) if self.supported is None else pl.Series(self.supported)
        reason = pl.when(~is_usable).then(pl.lit(NO_VECTOR)).when(~is_supported).then(pl.lit(MINIMUM_SUPPORT))
        return pl.DataFrame({"id": self.ids}).select(reason=reason)["reason"]


@dataclass(frozen=True)
class ListedRows:
    """Which rows lists may contain, and how many."""

    top_n: int
    allowed: BoolArray | None = None
    """(R,) None means all rows that can be ranked."""
    limits: ListLimits = field(default_factory=ListLimits)
    minimum_score: float = -np.inf
    masks: Masks | None = None
    """(Q, R) masks of the rows of single lists. None means that each row is left out of its own list."""


@dataclass(frozen=True)
class VectorLists:
    """The lists of B rows."""

    ids: pl.Series
    """(B,) ids of the rows that the lists are for."""
    top: TopN
    """(B, n) listed rows and scores."""
    listed: pl.Series
    """(R,) ids by listed row."""
    reasons: pl.Series
    """(B,) String: why a list is not full. It does not matter for full lists."""
    wanted: int

    def rows(self, schema: pl.Schema) -> pl.DataFrame:
        """Return the table of `schema` (:meth:`VectorRanking.schema`): one row per filled slot."""
        lists, slots = np.nonzero(self.top.filled)
        columns = (
            self.ids.gather(lists),
            pl.Series(slots + 1, dtype=pl.Int32),
            self.listed.gather(self.top.item_rows[lists, slots]),
            pl.Series(self.top.scores[lists, slots], dtype=pl.Float32),
        )
        return pl.DataFrame(dict(zip(schema.names(), columns, strict=True)))

    def shortfall(self, schema: pl.Schema) -> pl.DataFrame:
        """Return the table of `schema` (:meth:`VectorRanking.shortfall_schema`): one row per list that is not full."""
        columns = (
            self.ids,
            pl.Series(self.top.filled.sum(axis=1), dtype=pl.Int32),
            pl.repeat(self.wanted, len(self.ids), dtype=pl.Int32, eager=True),
            self.reasons,
        )
        table = pl.DataFrame(dict(zip(schema.names(), columns, strict=True)))
        return table.filter(pl.col("rows") < self.wanted)


class VectorRanking:
    """Ranks the rows of one table for each row of another by the dot product of their vectors, compiled."""

    def __init__(self, queries: VectorTable, listed: VectorTable, rule: ListedRows, threads: int) -> None:
        """Make a list for each row of `queries` from the rows of `listed` that `rule` allows."""
        self._queries, self._listed, self._rule, self._threads = queries, listed, rule, threads
        self.problems = queries.problems()
        """(Q,) why a row gets no list; null if it gets one."""
        usable = (self.problems if listed is queries else listed.problems()).is_null().to_numpy()
        self._allowed: BoolArray = usable if rule.allowed is None else usable & rule.allowed
        self._ranked = RankedItems(listed.vectors, self._allowed)
        self._slots = max(1, min(rule.top_n, self.candidates))

    @property
    def candidates(self) -> int:
        """The number of rows that lists may contain."""
        return int(self._allowed.sum())

    @property
    def queries(self) -> int:
        """The number of rows that lists are made for."""
        return len(self._queries.ids)

    def schema(self) -> pl.Schema:
        """Return the columns of the lists."""
        listed = "similar_id" if self._listed is self._queries else self._listed.column
        return pl.Schema(
            {
                self._queries.column: self._queries.ids.dtype,
                "rank": pl.Int32(),
                listed: self._listed.ids.dtype,
                "score": pl.Float32(),
            }
        )

    def shortfall_schema(self) -> pl.Schema:
        """Return the columns of the table of lists that are not full."""
        counts = {"rows": pl.Int32(), "wanted": pl.Int32(), "reason": pl.String()}
        return pl.Schema({self._queries.column: self._queries.ids.dtype, **counts})

    def blocks(self, block_rows: int, rows_per_part: int) -> Iterator[slice]:
        """Yield blocks of at most `block_rows` rows. No block crosses a multiple of `rows_per_part`."""
        size = block_size(block_rows, self._slots, self._rule.limits.bytes_per_user())
        start = 0
        while start < self.queries:
            end = min(start + size, (start // rows_per_part + 1) * rows_per_part, self.queries)
            yield slice(start, end)
            start = end

    def check_memory(self, block_rows: int) -> None:
        """Return when there is enough memory to rank in blocks of at most `block_rows`.

        Raises
        ------
        ResourceError
            There is too little memory.
        """
        size = block_size(block_rows, self._slots, self._rule.limits.bytes_per_user())
        needed = ranking_bytes(
            self.candidates, self._ranked.width, min(size, max(1, self.queries)), self._slots
        )
        check_memory(needed)

    def lists_for(self, block: slice) -> VectorLists:
        """Return the lists of the rows in `block`."""
        problems = self.problems[block]
        masks, count = self._masks(block), len(problems)
        wanted = np.where(problems.is_null().to_numpy(), self._slots, 0).astype(np.int64)
        lists = OpenLists(self._rule.limits, masks, count, self._slots, self._threads)
        top = lists.add(
            SourceScores(self._queries.vectors[block], self._ranked), wanted, self._rule.minimum_score
        )
        return VectorLists(
            self._queries.ids[block],
            top,
            self._listed.ids,
            problems.fill_null(self._reasons(masks, count)),
            self._rule.top_n,
        )

    def _masks(self, block: slice) -> Masks:
        if self._rule.masks is not None:
            return self._rule.masks.of_users(block)
        rows = np.arange(block.start, block.stop, dtype=np.int32)
        itself = (np.ones(len(rows), np.float32), rows, np.arange(len(rows) + 1))
        return Masks(csr_matrix(itself, shape=(len(rows), len(self._listed.ids))))

    def _reasons(self, masks: Masks, count: int) -> pl.Series:
        reasons = np.full(count, TOO_FEW_CANDIDATES, dtype=object)
        is_possible = masks.candidate_counts(count, self._allowed) >= self._slots
        if self._rule.limits.columns:
            reasons[is_possible] = LIMITS
        if self._rule.minimum_score > -np.inf:
            reasons[is_possible] = MINIMUM_SCORE
        return pl.Series(reasons, dtype=pl.String)


def cosine_ranking(table: VectorTable, rule: ListedRows, threads: int) -> VectorRanking:
    """Return the ranking of the rows of `table` for each other by cosine, as in :func:`als_cli.ranking.similar.similar_items`."""
    units, has_direction = unit_vectors(table.vectors)
    units[~has_direction] = 0.0
    units_table = VectorTable(table.column, table.ids, units, table.supported)
    return VectorRanking(units_table, units_table, rule, threads)
