"""From section `train` and a matrix to the recipe of one training: every `auto` becomes a number here."""

from dataclasses import replace

from scipy.sparse import csr_matrix

from als_cli.als.confidence import ConfidenceRule, interactions_per_item, mean_confidence
from als_cli.als.engine import AlsSettings, Objective
from als_cli.als.recipe import FoldIn, Recipe
from als_cli.config.train import ConfidenceConfig, FoldInConfig, TrainConfig
from als_cli.errors import ConfigError
from als_cli.tuning.point import apply_point, objective_of, open_values, or_auto
from als_cli.tuning.presets import BALANCED

DEFAULT_FACTORS = 128
MOST_ITERATIONS = 50
"""Sweeps that `iterations: auto` may take."""
TOLERANCE = 1e-3
"""Relative fall of the loss in one iteration below which `iterations: auto` stops."""
CG_STEPS = 2
INIT_SCALE = 1.0


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
        config = apply_point(config, open_values(config, BALANCED), matrix)
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
        tolerance=TOLERANCE if config.iterations == "auto" else 0.0,
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
    return replace(recipe, separate_fold_in=FoldIn(regularization, rule))


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
