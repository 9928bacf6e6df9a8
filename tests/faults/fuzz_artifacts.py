"""Damaged artifacts for the fuzzers: a small dataset, a model of it, and each of their files and manifests, changed.

Checksums would find every change. So the sizes in the manifest are made right again and the checksums are not verified:
only the checks of structure are between the changed bytes and the kernels.
"""

import itertools
import json
import random
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from als_cli.als.engine import Factors
from als_cli.config.root import Config
from als_cli.dataset.aggregation import aggregate
from als_cli.ranking.audience import Audience
from als_cli.ranking.item_names import user_history
from als_cli.ranking.recommender import Recommender
from als_cli.ranking.refresh import refreshed
from als_cli.ranking.rules.list_rules import ListRules
from als_cli.storage.checksums import verification
from als_cli.storage.dataset_files import EVENTS, open_dataset, reading_events, write_interactions
from als_cli.storage.documents import with_checksum
from als_cli.storage.manifest import write_manifest
from als_cli.storage.model_files import open_model, write_model
from als_cli.storage.ownership import MANIFEST
from als_cli.storage.publish import current_version, staged_folder
from als_cli.tuning.parameters import recipe_for
from tests.faults.fuzz_inputs import mutated_bytes, mutated_tree

FACTORS = 4
TRAIN = {"factors": FACTORS, "fold_in": {"half_life": "30d"}, "demand": {"half_life": "30d", "exponent": 0.5}}


class Artifacts:
    """A dataset and a model in `folder`, and their undamaged files."""

    def __init__(self, folder: Path) -> None:
        """Make both."""
        self.places = {"dataset": folder / "dataset", "model": folder / "models"}
        config = Config.model_validate({"events": {"source": "a.csv"}, "train": TRAIN})
        events = _events()
        interactions = aggregate(events.lazy(), config.events)
        stored = {
            "kind": "dataset",
            "key": "k",
            "config": config.model_dump(mode="json"),
            "counts": {"rows": 60},
        }
        with staged_folder(self.places["dataset"]) as staging:
            events.write_parquet(staging / EVENTS)
            write_interactions(staging, interactions)
            write_manifest(staging, **stored)
        rng = np.random.default_rng(3)
        users, items = interactions.users, interactions.items
        sides = (rng.normal(size=(len(side), FACTORS)).astype(np.float32) for side in (users, items))
        with staged_folder(self.places["model"]) as staging:
            write_model(staging, users, items, Factors(*sides))
            recipe = recipe_for(interactions.matrix, config.train, 1).to_json()
            metrics = {"recipe": recipe, "loss": [0.5, 0.25]}
            write_manifest(staging, **stored | {"kind": "model", "metrics": metrics})
        self.folders: dict[str, Path] = {
            kind: version for kind, place in self.places.items() if (version := current_version(place))
        }

    @cached_property
    def whole(self) -> dict[Path, bytes]:
        """The content of all files."""
        found = itertools.chain.from_iterable(folder.iterdir() for folder in self.folders.values())
        return {path: path.read_bytes() for path in found}

    def files(self, kind: str) -> list[Path]:
        """Return the paths of the files of `kind`, without the manifest and without empty files."""
        folder = self.folders[kind]
        return sorted(
            p for p, content in self.whole.items() if p.parent == folder and content and p.name != MANIFEST
        )

    def run(self, target: str, rng: random.Random) -> None:
        """Damage a random file of `target` (dataset, model or manifest), use both artifacts, and repair the file."""
        if target == "manifest":
            kind = rng.choice(tuple(self.folders))
            self.use(
                self.folders[kind] / MANIFEST,
                changed_manifest(self.whole[self.folders[kind] / MANIFEST], rng),
            )
        else:
            path = rng.choice(self.files(target))
            self.use(path, mutated_bytes(self.whole[path], rng))

    def use(self, path: Path, content: bytes) -> None:
        """Replace the file at `path` by `content`, open and use both artifacts, and repair the file."""
        path.write_bytes(content)
        manifest = path.with_name(MANIFEST)
        if path != manifest:
            document = json.loads(self.whole[manifest])
            named = next(one for one in document["outputs"] if one["path"] == path.name)
            named["bytes"] = len(content)
            manifest.write_text(json.dumps(with_checksum(document)), encoding="utf-8")
        try:
            with verification(enabled=path == manifest):
                self.use_both()
        finally:
            for changed in {path, manifest}:
                changed.write_bytes(self.whole[changed])

    def use_both(self) -> None:
        """Open dataset and model, make lists for all users, and read the history of one."""
        dataset, model = open_dataset(self.places["dataset"]), open_model(self.places["model"])
        assert dataset.manifest.as_of is None or dataset.manifest.as_of.tzinfo is UTC
        assert len(model.losses) < 100
        ids = dataset.interactions.user_ids
        rules = ListRules(3, refresh="changed", because=2)
        ranked, recipe = refreshed("changed", dataset.interactions, model, model.recipe(1))
        recommender = Recommender(dataset.interactions, ranked, recipe, rules)
        audience = Audience(ids, np.arange(len(ids), dtype=np.int32))
        for block in recommender.blocks(audience, 1000, 1000):
            lists = recommender.lists_for(block)
            assert lists.top.item_rows.max(initial=-1) < len(ranked.item_ids)
        if len(ids):
            user_history(dataset.interactions, dataset.scan_events, 0, None)
            with reading_events(self.places["dataset"]):
                without_times = replace(dataset.interactions, times=None)
                user_history(without_times, dataset.scan_events, 0, None)


def changed_manifest(whole: bytes, rng: random.Random) -> bytes:
    """Return the manifest `whole` with a changed value, mostly with the right checksum, or with changed bytes."""
    document = json.loads(whole)
    if rng.random() < 0.2:
        return mutated_bytes(whole, rng)
    for _ in range(rng.choice((1, 1, 2))):
        document = mutated_tree(document, rng) if isinstance(document, dict) else document
    if isinstance(document, dict) and rng.random() < 0.9:
        document = with_checksum(json.loads(json.dumps(document)))  # all keys are text then
    return json.dumps(document).encode("utf-8", errors="surrogatepass")


def _events() -> pl.DataFrame:
    rows = [
        (f"u{k % 7}", f"i{k % 5}", datetime(2026, 1, 1 + k % 20, tzinfo=UTC), 1.0 + k % 3, 2.0)
        for k in range(60)
    ]
    types: dict[str, Any] = {
        "user_id": pl.String,
        "item_id": pl.String,
        "timestamp": pl.Datetime("us", "UTC"),
    }
    return pl.DataFrame(rows, schema={**types, "weight": pl.Float64, "value": pl.Float64}, orient="row")
