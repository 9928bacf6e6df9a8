"""Reading of the rules: the tables that section `recommend` names become rules by item row."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np

from als_cli.arrays import BoolArray, Int32Array
from als_cli.config.recommend import CatalogConfig, RecommendConfig
from als_cli.config.recommend_checks import check_recommend
from als_cli.config.rules import PinnedItems, PromotedItems, ValueLimit
from als_cli.errors import DataError
from als_cli.ranking.catalog import Catalog, read_catalog
from als_cli.ranking.rules.feasible import (
    check_limits,
    explored_positions,
    promoted_positions,
    warn_of_empty_shares,
    warn_of_forbidden_pins,
)
from als_cli.ranking.rules.limits import LimitedColumn, ListLimits
from als_cli.ranking.rules.list_rules import ChosenItems, Diversity, Exploration, ListRules
from als_cli.ranking.rules.rule_files import RuleFiles
from als_cli.ranking.rules.rule_tables import catalog_needs, limited_column
from als_cli.ranking.segments import Segments, read_segments
from als_cli.ranking.trained_model import TrainedModel
from als_cli.tables.scan import FindFiles, find_files

log = logging.getLogger(__name__)

_RULES = "recommend.rules"
_ITEMS = "recommend.items"


@dataclass(frozen=True)
class ReadRules:
    """The rules of the lists, and the catalogue that they were read from."""

    rules: ListRules
    catalog: Catalog | None
    never_interacted: int
    """Items of the catalogue that satisfy the condition but are unknown to the model."""
    left_out: Mapping[str, int]
    """Items of the model that each key of `recommend.items` leaves out, without zeros."""
    unknown_items: Mapping[str, int] = field(default_factory=dict)
    """Items, or pairs of a user and an item, that are unknown to the model, by the config key of their file or condition. Without zeros."""


class _Reader:
    """Reads the tables of one section `recommend`, in the order of :meth:`RecommendConfig.read_paths`."""

    def __init__(
        self, config: RecommendConfig, model: TrainedModel, instant: datetime, find: FindFiles
    ) -> None:
        self.config, self.find, self.instant = config, find, instant
        self.item_ids, self.user_type = model.item_ids, model.user_ids.dtype
        self.files = RuleFiles(model, find)
        self.catalog: Catalog | None = None
        self.allowed: BoolArray | None = None
        self.never_interacted = 0
        self.left_out: dict[str, int] = {}

    def read(self) -> ListRules:
        """Return the rules, apart from those on earlier lists."""
        config, rules = self.config, self.config.rules
        check_recommend(config)
        warn_of_empty_shares(config)
        if config.items is not None:
            self._read_candidates(config.items)
        allow, deny = rules.user_allow, rules.user_deny
        user_allow = None if allow is None else self.files.allowed_pairs(allow, f"{_RULES}.user_allow")
        user_deny = None if deny is None else self.files.denied_pairs(deny, f"{_RULES}.user_deny")
        slots = min(config.top_n, len(self.item_ids) if self.allowed is None else int(self.allowed.sum()))
        columns = [self._limited(limit, f"{_RULES}.limits[{k}]") for k, limit in enumerate(rules.limits)]
        check_limits(columns, self.allowed, slots)
        limits = ListLimits(columns)
        pinned = [self._pinned(one, k) for k, one in enumerate(rules.pinned)]
        warn_of_forbidden_pins(pinned, limits, slots)
        promoted = [self._promoted(one, k) for k, one in enumerate(rules.promoted)]
        return ListRules(
            top_n=config.top_n,
            exclude_seen=config.exclude_seen,
            seen_again_after=config.seen_again_after,
            allowed=self.allowed,
            user_allow=user_allow,
            user_deny=user_deny,
            limits=limits,
            chosen=(*pinned, *promoted),
            diversity=None
            if rules.diversity is None
            else Diversity(rules.diversity.strength, rules.diversity.pool),
            explore=None
            if rules.explore is None
            else Exploration(explored_positions(config), rules.explore.pool, rules.explore.seed),
            minimum_score=rules.minimum_score,
            fallback=tuple(config.fallback),
            segments=self._segments(),
            refresh=config.refresh,
            because=config.because,
            recent_half_life=config.recent_half_life
            if isinstance(config.recent_half_life, timedelta)
            else None,
        )

    def _read_candidates(self, items: CatalogConfig) -> None:
        self.catalog = read_catalog(
            items, self.item_ids.dtype, self.find, needs=catalog_needs(self.config), instant=self.instant
        )
        if self.catalog is not None:
            candidates = self.catalog.candidates(self.item_ids)
            self.allowed, self.never_interacted = candidates.allowed, candidates.never_interacted
            self.left_out |= candidates.left_out
        if items.allow is not None:
            rows = self.files.allowed_rows(items.allow, f"{_ITEMS}.allow")
            self._keep("allow", _marks(rows, len(self.item_ids)))
        if items.deny is not None:
            rows = self.files.listed_rows(items.deny, f"{_ITEMS}.deny")
            self._keep("deny", ~_marks(rows, len(self.item_ids)))
        if self.allowed is not None and not self.allowed.any():
            raise DataError(
                f"{_ITEMS} leaves no item that may be recommended",
                hint=f"check {_ITEMS}.where, {_ITEMS}.allow and {_ITEMS}.deny together",
            )

    def _keep(self, name: str, kept: BoolArray) -> None:
        """Leave out the items that are not `kept` (I,), and count them under `name`."""
        before = np.ones(len(kept), bool) if self.allowed is None else self.allowed
        self.allowed = before & kept
        self.left_out[name] = int(before.sum() - self.allowed.sum())

    def _limited(self, limit: ValueLimit, key: str) -> LimitedColumn:
        assert self.catalog is not None  # noqa: S101 - the config requires a catalogue
        return limited_column(limit, key, self.catalog, self.item_ids)

    def _chosen_rows(self, rule: PinnedItems | PromotedItems, key: str) -> Int32Array:
        if rule.file is not None:
            rows = self.files.listed_rows(rule, key)
            found = len(rows)  # without known items, a warning has said so
        else:
            assert self.catalog is not None  # noqa: S101 - the config requires a catalogue
            ids = self.catalog.marked(f"{key}.where")
            rows, found = self.files.known_rows(ids, key), len(ids)
        kept = rows if self.allowed is None else rows[self.allowed[rows]]
        if not len(kept) and (found or rule.file is None):
            log.warning("%s: none of the %d items may be recommended", key, found)
        return kept

    def _pinned(self, rule: PinnedItems, number: int) -> ChosenItems:
        rows = self._chosen_rows(rule, f"{_RULES}.pinned[{number}]")
        name = rule.name or f"pinned {number + 1}"
        return ChosenItems(name, "pinned", np.sort(np.array(rule.positions, np.int64)) - 1, rows)

    def _promoted(self, rule: PromotedItems, number: int) -> ChosenItems:
        rows = self._chosen_rows(rule, f"{_RULES}.promoted[{number}]")
        name = rule.name or f"promoted {number + 1}"
        return ChosenItems(name, "promoted", promoted_positions(self.config)[number], rows)

    def _segments(self) -> Segments | None:
        config = self.config
        if config.segments is None:
            return None
        segments = read_segments(config.segments, self.user_type, self.find)
        return segments if config.guests is None else segments.with_guests(config.guests)


def read_rules(
    config: RecommendConfig,
    model: TrainedModel,
    instant: datetime | None = None,
    find: FindFiles = find_files,
) -> ReadRules:
    """Return the rules of section `recommend` for the items of `model`; `find` finds the files of its tables.

    Availability is that of `instant` (default: now). Rules on earlier lists are not included.

    Raises
    ------
    ConfigError
        Two rules contradict each other. Or a table lacks a column of a rule, or a condition cannot be evaluated.
    DataError
        A table cannot be used, or no item may be recommended.
    """
    reader = _Reader(config, model, instant or datetime.now(UTC), find)
    rules = reader.read()
    return ReadRules(
        rules, reader.catalog, reader.never_interacted, reader.left_out, reader.files.unknown_items
    )


def _marks(rows: Int32Array, items: int) -> BoolArray:
    marks = np.zeros(items, bool)
    marks[rows] = True
    return marks
