"""All that turns strengths into factors, resolved to numbers; a model carries its own for fold-in."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from scipy.sparse import csr_matrix

from als_cli.als.confidence import ConfidenceRule, CountArray
from als_cli.als.engine import AlsSettings, Factors, FloatArray, ProgressCallback
from als_cli.als.engines import engine_named


@dataclass(frozen=True)
class Recipe:
    """An engine, its settings, and the rule that makes confidences."""

    engine: str
    settings: AlsSettings
    confidence: ConfidenceRule
    item_interactions: CountArray = field(compare=False, repr=False)
    """(I,) stored pairs per item of the training matrix; tempering asks for them, at fold-in too."""

    def fit(self, strength: csr_matrix, on_iteration: ProgressCallback) -> Factors:
        """Return the factors of `strength` (U, I); see :class:`als_cli.als.engine.Engine`."""
        return engine_named(self.engine).fit(self.confidences(strength), self.settings, on_iteration)

    def fold_in(self, items: FloatArray, strength: csr_matrix) -> FloatArray:
        """Return (B, f) user factors for the histories `strength` (B, I), item factors (I, f) fixed."""
        return engine_named(self.engine).fold_in(items, self.confidences(strength), self.settings)

    def to_json(self) -> dict[str, Any]:
        """Return the recipe as JSON-like values, without the items' interactions: a model has them in its own place."""
        return {
            "engine": self.engine,
            "settings": asdict(self.settings),
            "confidence": asdict(self.confidence),
        }

    def confidences(self, strength: csr_matrix) -> csr_matrix:
        """Return the confidences of the histories `strength` (B, I), same sparsity."""
        return self.confidence.apply(strength, self.item_interactions)


def recipe_from_json(values: dict[str, Any], item_interactions: CountArray, threads: int) -> Recipe:
    """Return the recipe that :meth:`Recipe.to_json` wrote, to be run on `threads` threads.

    `item_interactions` (I,) are the stored pairs per item of the matrix that it was trained on.
    """
    return Recipe(
        engine=values["engine"],
        settings=replace(AlsSettings(**values["settings"]), threads=threads),
        confidence=ConfidenceRule(**values["confidence"]),
        item_interactions=item_interactions,
    )
