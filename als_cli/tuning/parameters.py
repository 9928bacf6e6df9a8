"""From section `train` and a matrix to the recipe of one training: every `auto` becomes a number here."""

from dataclasses import dataclass, replace

from scipy.sparse import csr_matrix

from als_cli.als.confidence import ConfidenceRule, interactions_per_item, mean_confidence
from als_cli.als.engine import AlsSettings, Objective
from als_cli.als.recipe import FoldIn, Recipe
from als_cli.config.train import ConfidenceConfig, FoldInConfig, TrainConfig
from als_cli.errors import ConfigError

DEFAULT_FACTORS = 128
MOST_ITERATIONS = 50
"""Sweeps that `iterations: auto` may take."""
SETTLED = 1e-3
"""Relative fall of the loss in one sweep below which `iterations: auto` stops."""
CG_STEPS = 2
INIT_SCALE = 1.0


@dataclass(frozen=True)
class LossPoint:
    """Values for what is auto in the weighted loss, independent of the size of the data; nu is 1."""

    multiple: float
    """Total weight of all pairs over the weight of the observed ones: `unobserved_weight` over the density."""
    regularization: float
    user_exponent: float
    item_exponent: float

    def applied_to(self, train: TrainConfig, matrix: csr_matrix) -> TrainConfig:
        """Return `train` with numbers where these four are auto, made for `matrix` (U, I)."""
        density = matrix.nnz / (matrix.shape[0] * matrix.shape[1])
        confidence = train.confidence.model_copy(
            update={
                "user_exponent": or_auto(train.confidence.user_exponent, self.user_exponent),
                "item_exponent": or_auto(train.confidence.item_exponent, self.item_exponent),
            }
        )
        return train.model_copy(
            update={
                "unobserved_weight": or_auto(train.unobserved_weight, self.multiple * density),
                "regularization": or_auto(train.regularization, self.regularization),
                "confidence": confidence,
            }
        )


BALANCED = LossPoint(multiple=24.0, regularization=0.005, user_exponent=0.1, item_exponent=0.1)
"""Far from the best nowhere, where nothing is chosen by validation (docs/decisions/0013)."""


def recipe_for(matrix: csr_matrix, config: TrainConfig, threads: int) -> Recipe:
    """Return how to factorize the strengths `matrix` (U, I).

    Raises
    ------
    ConfigError
        More factors than users or items, or hyperparameters that the engine does not have.
    """
    objective = objective_of(config)
    weighted = objective == "weighted"
    if weighted:
        config = BALANCED.applied_to(config, matrix)
    settings = AlsSettings(
        factors=_factors(matrix, config),
        regularization=or_auto(config.regularization, 0.05),
        iterations=MOST_ITERATIONS if config.iterations == "auto" else config.iterations,
        exact=config.solver == "exact",
        seed=config.seed,
        threads=threads,
        objective=objective,
        unobserved_weight=or_auto(config.unobserved_weight, 1.0),
        frequency_exponent=or_auto(config.frequency_exponent, 1.0 if weighted else 0.0),
        cg_steps=CG_STEPS,
        init_scale=INIT_SCALE,
        settled=SETTLED if config.iterations == "auto" else 0.0,
    )
    _check_engine(config, settings)
    item_interactions = interactions_per_item(matrix)
    rule = _confidence(config.confidence, objective)
    if weighted:
        rule = replace(rule, scale=mean_confidence(matrix, rule, item_interactions))
    recipe = Recipe(config.engine, settings, rule, item_interactions)
    given = config.fold_in
    if given.regularization == "auto" and given.item_exponent == "auto":
        return recipe
    _check_fold_in(given, objective)
    return with_fold_in(
        recipe,
        matrix,
        or_auto(given.regularization, settings.regularization),
        or_auto(given.item_exponent, rule.item_exponent),
    )


def with_fold_in(recipe: Recipe, matrix: csr_matrix, regularization: float, item_exponent: float) -> Recipe:
    """Return `recipe`, made for the strengths `matrix` (U, I), with a fold-in of its own.

    Under the weighted objective its confidences have mean 1 too.
    """
    rule = replace(recipe.confidence, item_exponent=item_exponent)
    if recipe.settings.objective == "weighted" and item_exponent != recipe.confidence.item_exponent:
        rule = replace(rule, scale=1.0)
        rule = replace(rule, scale=mean_confidence(matrix, rule, recipe.item_interactions))
    return replace(recipe, own_fold_in=FoldIn(regularization, rule))


def _confidence(config: ConfidenceConfig, objective: Objective) -> ConfidenceRule:
    """Return the rule before its scale is known.

    Raises
    ------
    ConfigError
        Tempering under hu2008, which needs c >= 1 for every pair.
    """
    exponents = {}
    for key in ("user_exponent", "item_exponent"):
        value = getattr(config, key)
        if objective != "weighted" and or_auto(value, 0.0) != 0.0:
            raise ConfigError(
                f"train.confidence.{key} is {value}, which objective {objective} does not have",
                hint=f"leave train.confidence.{key} out, or use train.engine: native and train.objective: weighted",
            )
        exponents[key] = or_auto(value, 0.0)
    return ConfidenceRule(config.form, config.alpha, config.epsilon, scale=1.0, **exponents)


def _check_fold_in(given: FoldInConfig, objective: Objective) -> None:
    if objective != "weighted" and or_auto(given.item_exponent, 0.0) != 0.0:
        raise ConfigError(
            f"train.fold_in.item_exponent is {given.item_exponent}, which objective {objective} does not have",
            hint="leave train.fold_in.item_exponent out, or use train.engine: native and train.objective: weighted",
        )


def or_auto(value: float | str, auto: float) -> float:
    """Return `value`, or `auto` where it is the word."""
    return auto if isinstance(value, str) else value


def objective_of(config: TrainConfig) -> Objective:
    """Return the loss that `config` asks for: engine implicit has hu2008 only."""
    if config.objective == "auto":
        return "hu2008" if config.engine == "implicit" else "weighted"
    return config.objective


def _factors(matrix: csr_matrix, config: TrainConfig) -> int:
    users, items = matrix.shape
    if config.factors == "auto":
        return min(DEFAULT_FACTORS, users, items)
    if config.factors > min(users, items):
        raise ConfigError(
            f"train.factors is {config.factors}, but there are only {users} users and {items} items",
            hint=f"set train.factors to {min(users, items)} or less, or to auto",
        )
    return config.factors


def _check_engine(config: TrainConfig, settings: AlsSettings) -> None:
    if config.engine != "implicit":
        return
    lacking = {
        "objective": settings.objective != "hu2008",
        "unobserved_weight": settings.unobserved_weight != 1.0,
        "frequency_exponent": settings.frequency_exponent != 0.0,
    }
    for key in (key for key, is_lacking in lacking.items() if is_lacking):
        raise ConfigError(
            f"train.{key} is {getattr(config, key)}, which engine implicit does not have",
            hint=f"leave train.{key} out, or use train.engine: native",
        )
