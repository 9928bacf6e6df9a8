"""All that turns strengths into factors, resolved to numbers; a model carries its own for fold-in."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from scipy.sparse import csr_matrix

from als_cli.als.confidence import ConfidenceRule
from als_cli.als.engine import AlsSettings, Factors, ProgressCallback
from als_cli.als.engines import engine_named
from als_cli.arrays import Float32Array, Int64Array

_STEPS = 2
"""Times as many steps as in a sweep: with another ridge users lie further away than from sweep to sweep."""


@dataclass(frozen=True)
class FoldIn:
    """How users are solved for the items of a training, where not as they were in its sweeps.

    What makes good item factors, tempering above all, need not make good user factors of them (docs/decisions/0014).
    """

    regularization: float
    confidence: ConfidenceRule


@dataclass(frozen=True)
class Recipe:
    """An engine, its settings, and the rule that makes confidences."""

    engine: str
    settings: AlsSettings
    confidence: ConfidenceRule
    item_interactions: Int64Array = field(compare=False, repr=False)
    """(I,) stored pairs per item of the training matrix; tempering asks for them, at fold-in too."""
    own_fold_in: FoldIn | None = None
    """None: all users are solved as in the sweeps; models of before have none."""

    def fit(self, strength: csr_matrix, on_iteration: ProgressCallback) -> Factors:
        """Return the factors of `strength` (U, I); see :class:`als_cli.als.engine.Engine`.

        With a fold-in of its own, its users are folded in last: those of the training are as new ones will be.
        """
        factors = engine_named(self.engine).fit(self.confidences(strength), self.settings, on_iteration)
        if self.own_fold_in is None:
            return factors
        return Factors(self.fold_in(factors.items, strength, start=factors.users), factors.items)

    def fold_in(
        self, items: Float32Array, strength: csr_matrix, start: Float32Array | None = None
    ) -> Float32Array:
        """Return (B, f) user factors for the histories `strength` (B, I), item factors (I, f) fixed.

        `start` (B, f): the users as the sweeps left them, which saves most of the work.
        """
        confidence, settings = self.fold_in_problem(strength)
        return engine_named(self.engine).fold_in(items, confidence, settings, start)

    def fold_in_problem(self, strength: csr_matrix) -> tuple[csr_matrix, AlsSettings]:
        """Return the confidences of the histories `strength` (B, I) and the settings that they are folded in with."""
        rule, settings = self.confidence, replace(self.settings, cg_steps=_STEPS * self.settings.cg_steps)
        if self.own_fold_in is not None:
            rule = self.own_fold_in.confidence
            settings = replace(settings, regularization=self.own_fold_in.regularization)
        return rule.apply(strength, self.item_interactions), settings

    def to_json(self) -> dict[str, Any]:
        """Return the recipe as JSON-like values, without the items' interactions: a model has them in its own place."""
        return {
            "engine": self.engine,
            "settings": asdict(self.settings),
            "confidence": asdict(self.confidence),
            "fold_in": None if self.own_fold_in is None else asdict(self.own_fold_in),
        }

    def confidences(self, strength: csr_matrix) -> csr_matrix:
        """Return the confidences of the histories `strength` (B, I), same sparsity."""
        return self.confidence.apply(strength, self.item_interactions)


def recipe_from_json(values: dict[str, Any], item_interactions: Int64Array, threads: int) -> Recipe:
    """Return the recipe that :meth:`Recipe.to_json` wrote, to be run on `threads` threads.

    `item_interactions` (I,) are the stored pairs per item of the matrix that it was trained on.
    """
    return Recipe(
        engine=values["engine"],
        settings=replace(AlsSettings(**values["settings"]), threads=threads),
        confidence=ConfidenceRule(**values["confidence"]),
        item_interactions=item_interactions,
        own_fold_in=_fold_in_from_json(values.get("fold_in")),
    )


def _fold_in_from_json(values: dict[str, Any] | None) -> FoldIn | None:
    if values is None:
        return None
    return FoldIn(values["regularization"], ConfidenceRule(**values["confidence"]))
