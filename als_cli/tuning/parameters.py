"""The recipe of a training, from section `train` and a matrix. Each remaining `auto` becomes a number here."""

from dataclasses import replace

from scipy.sparse import csr_matrix

from als_cli.als.confidence import ConfidenceRule, interactions_per_item, mean_confidence
from als_cli.als.demand import DemandRule
from als_cli.als.engine import AlsSettings, Objective
from als_cli.als.recipe import FoldIn, Recipe
from als_cli.config.fields import format_duration
from als_cli.config.train import ConfidenceConfig, DemandConfig, HalfLife, TrainConfig
from als_cli.errors import ConfigError
from als_cli.tuning.point import (
    HU2008_REGULARIZATION,
    apply_point,
    half_life_seconds,
    objective_of,
    open_values,
    or_auto,
)
from als_cli.tuning.presets import BALANCED

DEFAULT_FACTORS = 128
MAXIMUM_ITERATIONS = 50
"""Maximum number of iterations with `iterations: auto`."""
TOLERANCE = 1e-3
"""Training with `iterations: auto` stops if an iteration reduces the loss by less than this ratio."""


def recipe_for(matrix: csr_matrix, config: TrainConfig, threads: int) -> Recipe:
    """Return the recipe to factorize the strengths `matrix` (U, I).

    Raises
    ------
    ConfigError
        There are more factors than users or items, or the engine does not support a hyperparameter.
    """
    objective = objective_of(config)
    weighted = objective == "weighted"
    if weighted:
        config = apply_point(config, open_values(config, BALANCED), matrix)
    settings = AlsSettings(
        factors=_factors(matrix, config),
        regularization=or_auto(config.regularization, HU2008_REGULARIZATION),
        iterations=MAXIMUM_ITERATIONS if config.iterations == "auto" else config.iterations,
        exact=config.solver == "exact",
        seed=config.seed,
        threads=threads,
        objective=objective,
        unobserved_weight=or_auto(config.unobserved_weight, 1.0),
        frequency_exponent=or_auto(config.frequency_exponent, 1.0 if weighted else 0.0),
        tolerance=TOLERANCE if config.iterations == "auto" else 0.0,
    )
    _check_engine(config, settings)
    item_interactions = interactions_per_item(matrix)
    rule = _confidence(config.confidence, objective)
    if weighted:
        rule = replace(rule, scale=mean_confidence(matrix, rule, item_interactions))
    recipe = Recipe(config.engine, settings, rule, item_interactions, demand=demand_rule(config.demand))
    given = config.fold_in
    half_life = _fold_in_half_life(given.half_life, objective)
    if given.regularization == "auto" and given.item_exponent == "auto" and half_life is None:
        return recipe
    _exponent("fold_in.item_exponent", given.item_exponent, objective)
    return with_fold_in(
        recipe,
        matrix,
        or_auto(given.regularization, settings.regularization),
        or_auto(given.item_exponent, rule.item_exponent),
        half_life,
    )


def check_times(train: TrainConfig, times: csr_matrix | None) -> None:
    """Return if all half-lives in `train` can be used with `times` (U, I), the times of the training pairs.

    Raises
    ------
    ConfigError
        `times` is None, but `train` has a half-life in time units that has an influence.
    """
    if times is not None:
        return
    demand = train.demand
    half_lives = {"fold_in.half_life": train.fold_in.half_life}
    if demand.exponent != 0:
        half_lives["demand.half_life"] = demand.half_life
    if demand.long_run_exponent != 0:
        half_lives["demand.long_run_half_life"] = demand.long_run_half_life
    for key, half_life in half_lives.items():
        if not isinstance(half_life, str):
            raise ConfigError(
                f"train.{key} is {format_duration(half_life)}, but not all events have timestamps",
                hint=f"set events.columns.timestamp for every source, or set train.{key} to infinite",
            )


def demand_rule(config: DemandConfig) -> DemandRule:
    """Return the rule of section `train.demand`. Values that are `auto` have no influence."""
    return DemandRule(
        half_life=half_life_seconds(config.half_life),
        exponent=or_auto(config.exponent, 0.0),
        long_run_half_life=half_life_seconds(config.long_run_half_life),
        long_run_exponent=or_auto(config.long_run_exponent, 0.0),
        offset=or_auto(config.offset, 0.0),
    )


def with_fold_in(
    recipe: Recipe,
    matrix: csr_matrix,
    regularization: float,
    item_exponent: float,
    half_life: float | None = None,
) -> Recipe:
    """Return `recipe`, made for the strengths `matrix` (U, I), with separate fold-in hyperparameters.

    With the weighted objective, the confidences of the fold-in have mean 1 too.
    """
    rule = replace(recipe.confidence, item_exponent=item_exponent)
    if recipe.settings.objective == "weighted" and item_exponent != recipe.confidence.item_exponent:
        rule = replace(rule, scale=1.0)
        rule = replace(rule, scale=mean_confidence(matrix, rule, recipe.item_interactions))
    return replace(recipe, separate_fold_in=FoldIn(regularization, rule, half_life))


def _confidence(config: ConfidenceConfig, objective: Objective) -> ConfidenceRule:
    """Return the confidence rule without its scale.

    Raises
    ------
    ConfigError
        Tempering is set with objective hu2008, which needs c >= 1 for every pair.
    """
    exponents = {
        key: _exponent(f"confidence.{key}", getattr(config, key), objective)
        for key in ("user_exponent", "item_exponent")
    }
    return ConfidenceRule(config.form, config.alpha, config.epsilon, scale=1.0, **exponents)


def _fold_in_half_life(given: HalfLife, objective: Objective) -> float | None:
    half_life = half_life_seconds(given)
    if objective != "weighted" and half_life is not None:
        raise ConfigError(
            f"train.fold_in.half_life is set, but objective {objective} does not support it",
            hint="leave out train.fold_in.half_life, or use train.engine: native and train.objective: weighted",
        )
    return half_life


def _exponent(key: str, value: float | str, objective: Objective) -> float:
    """Return the exponent of tempering at `key` of section `train`, 0 for `auto`."""
    exponent = or_auto(value, 0.0)
    if objective != "weighted" and exponent != 0.0:
        raise ConfigError(
            f"train.{key} is {value}, but objective {objective} does not support it",
            hint=f"leave out train.{key}, or use train.engine: native and train.objective: weighted",
        )
    return exponent


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
    unsupported = {
        "objective": settings.objective != "hu2008",
        "unobserved_weight": settings.unobserved_weight != 1.0,
        "frequency_exponent": settings.frequency_exponent != 0.0,
    }
    for key in (key for key, is_set in unsupported.items() if is_set):
        raise ConfigError(
            f"train.{key} is {getattr(config, key)}, but engine implicit does not support it",
            hint=f"leave out train.{key}, or use train.engine: native",
        )
