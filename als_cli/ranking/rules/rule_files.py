"""The files of ids of section `recommend`, by the item rows of a model. Unknown ids are counted.

A file that allows items must have a known item: without one, all lists would be empty. Any other file may be empty. Its
rule then does nothing, and a warning says so.
"""

import logging

import numpy as np
import polars as pl

from als_cli.arrays import Int32Array
from als_cli.config.rules import ItemsFile, PinnedItems, PromotedItems, UserItemsFile
from als_cli.dataset.interactions import rows_of
from als_cli.errors import DataError
from als_cli.ranking.rules.id_files import UserItems, read_items, read_user_items
from als_cli.ranking.trained_model import TrainedModel
from als_cli.tables.scan import FindFiles

log = logging.getLogger(__name__)

_UNKNOWN_HINT = "check the ids, or run `als ingest` and `als train` on events with these items"
_EMPTY_HINT = "check how the file was written; without this key, all items are allowed"


class RuleFiles:
    """Reads files of ids."""

    def __init__(self, model: TrainedModel, find: FindFiles) -> None:
        """Read ids of the items and users of `model`. `find` finds the files."""
        self._item_ids, self._user_type, self._find = model.item_ids, model.user_ids.dtype, find
        self.unknown_items: dict[str, int] = {}
        """Items, or pairs of a user and an item, that are unknown to the model, by config key. Without zeros."""

    def allowed_rows(self, listed: ItemsFile, key: str) -> Int32Array:
        """Return the rows of the items of a file that lists all items that may be recommended.

        Raises
        ------
        DataError
            The model knows none of the items. Other errors are those of :func:`read_items`.
        """
        ids = read_items(listed.file, listed.column, listed, key, self._item_ids.dtype, self._find)
        rows = self.known_rows(ids, key)
        if not len(ids):
            raise DataError(f"{key}: {listed.file} has no rows", hint=_EMPTY_HINT)
        if not len(rows):
            raise DataError(
                f"{key}: the model knows none of the {len(ids)} items of {listed.file}", hint=_UNKNOWN_HINT
            )
        return rows

    def listed_rows(self, listed: ItemsFile | PinnedItems | PromotedItems, key: str) -> Int32Array:
        """Return the rows of the items of a file, in its order. Warn if there are none."""
        if listed.file is None:
            raise ValueError(f"{key} has no file")
        ids = read_items(listed.file, listed.column, listed, key, self._item_ids.dtype, self._find)
        rows = self.known_rows(ids, key)
        if not len(ids):
            log.warning("%s: %s has no rows, so it has no effect", key, listed.file)
        elif not len(rows):
            log.warning(
                "%s: the model knows none of the %d items of %s, so it has no effect",
                key, len(ids), listed.file,
            )  # fmt: skip
        return rows

    def allowed_pairs(self, config: UserItemsFile, key: str) -> UserItems:
        """Return the pairs of a file that lists all items that its users may get.

        Raises
        ------
        DataError
            The model knows the item of no pair. Other errors are those of :func:`read_user_items`.
        """
        pairs = self._pairs(config, key)
        if not pairs.pairs and not pairs.unknown_pairs:
            raise DataError(f"{key}: {config.file} has no rows", hint=_EMPTY_HINT)
        if not pairs.pairs:
            raise DataError(
                f"{key}: the model knows no item of the {pairs.unknown_pairs} pairs of {config.file}",
                hint=_UNKNOWN_HINT,
            )
        return pairs

    def denied_pairs(self, config: UserItemsFile, key: str) -> UserItems:
        """Return the pairs of a file that lists items that its users do not get. Warn if there are none."""
        pairs = self._pairs(config, key)
        if not pairs.pairs and not pairs.unknown_pairs:
            log.warning("%s: %s has no rows, so it has no effect", key, config.file)
        elif not pairs.pairs:
            log.warning(
                "%s: the model knows no item of the %d pairs of %s, so it has no effect",
                key, pairs.unknown_pairs, config.file,
            )  # fmt: skip
        return pairs

    def known_rows(self, ids: pl.Series, key: str) -> Int32Array:
        """Return the rows of `ids`, without ids that the model does not know. These are counted under `key`."""
        rows = rows_of(self._item_ids, ids)
        unknown = int(np.count_nonzero(rows < 0))
        if unknown:
            self.unknown_items[key] = unknown
            log.info("%s: %d of %d items are unknown to the model", key, unknown, len(ids))
        return rows[rows >= 0]

    def _pairs(self, config: UserItemsFile, key: str) -> UserItems:
        pairs = read_user_items(config, key, self._user_type, self._item_ids, self._find)
        if pairs.unknown_pairs:
            self.unknown_items[key] = pairs.unknown_pairs
            log.info("%s: %d pairs have an unknown item or no id", key, pairs.unknown_pairs)
        return pairs
