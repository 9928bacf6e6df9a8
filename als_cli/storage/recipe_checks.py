"""The checks of a recipe in the manifest of a model: all fields are present, and have numbers in their legal range."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

_Finite = Annotated[float, Field(allow_inf_nan=False)]
_NotNegative = Annotated[float, Field(allow_inf_nan=False, ge=0, le=1e30)]
_Positive = Annotated[float, Field(allow_inf_nan=False, gt=0, le=1e30)]
_Exponent = Annotated[float, Field(allow_inf_nan=False, ge=0, le=100)]
_HalfLife = _Positive | None


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Settings(_Section):
    factors: int = Field(ge=1, le=1 << 16)
    regularization: _NotNegative
    iterations: int = Field(ge=0, le=1 << 31)
    exact: bool
    seed: int = Field(ge=0, lt=1 << 64)
    threads: int = Field(ge=1, le=1 << 16)
    objective: Literal["weighted", "hu2008"]
    unobserved_weight: _NotNegative
    frequency_exponent: _Exponent
    cg_steps: int = Field(ge=1, le=10_000)
    init_scale: _Finite
    tolerance: _Finite


class _Confidence(_Section):
    form: Literal["linear", "log", "proportional"]
    alpha: _NotNegative
    epsilon: _Positive
    scale: _Positive
    user_exponent: _Exponent
    item_exponent: _Exponent


class _FoldIn(_Section):
    regularization: _NotNegative
    confidence: _Confidence
    half_life: _HalfLife


class _Demand(_Section):
    half_life: _HalfLife
    exponent: _Exponent
    long_run_half_life: _HalfLife
    long_run_exponent: _Exponent
    offset: _NotNegative


class _Recipe(_Section):
    engine: Literal["native", "implicit"]
    settings: _Settings
    confidence: _Confidence
    fold_in: _FoldIn | None
    demand: _Demand


def checked_recipe(values: Any) -> dict[str, Any]:
    """Return `values`, which are the JSON values of :meth:`als_cli.als.recipe.Recipe.to_json`, after a check of each field.

    Raises
    ------
    ValueError
        `values` is not a recipe. The message names the first wrong field.
    """
    try:
        _Recipe.model_validate(values)
    except ValidationError as wrong:
        first = wrong.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "recipe"
        raise ValueError(f"{place}: {first['msg'][:1].lower()}{first['msg'][1:]}") from None
    return dict(values)
