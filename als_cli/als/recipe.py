"""All that turns strengths into factors, resolved to numbers; a model carries its own for fold-in."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from scipy.sparse import csr_matrix

from als_cli.als.confidence import ConfidenceRule
from als_cli.als.engine import AlsSettings, Factors, FloatArray, ProgressCallback
from als_cli.als.engines import engine_named


@dataclass(frozen=True)
class Recipe:
    """An engine, its settings, and the rule that makes confidences."""

    engine: str
    settings: AlsSettings
    confidence: ConfidenceRule

    def fit(self, strength: csr_matrix, on_iteration: ProgressCallback) -> Factors:
        """Return the factors of `strength` (U, I); see :class:`als_cli.als.engine.Engine`."""
        return engine_named(self.engine).fit(self.confidence.apply(strength), self.settings, on_iteration)

    def fold_in(self, items: FloatArray, strength: csr_matrix) -> FloatArray:
        """Return (B, f) user factors for the histories `strength` (B, I), item factors (I, f) fixed."""
        return engine_named(self.engine).fold_in(items, self.confidence.apply(strength), self.settings)

    def to_json(self) -> dict[str, Any]:
        """Return the recipe as JSON-like values."""
        return asdict(self)


def recipe_from_json(values: dict[str, Any], threads: int) -> Recipe:
    """Return the recipe that :meth:`Recipe.to_json` wrote, to be run on `threads` threads."""
    return Recipe(
        engine=values["engine"],
        settings=replace(AlsSettings(**values["settings"]), threads=threads),
        confidence=ConfidenceRule(**values["confidence"]),
    )
