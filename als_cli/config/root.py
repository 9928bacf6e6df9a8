"""The whole config."""

from typing import Annotated, Literal

from pydantic import Field

from als_cli.config.evaluate import EvaluateConfig
from als_cli.config.events import EventsConfig
from als_cli.config.fields import PathText, Section
from als_cli.config.recommend import RecommendConfig
from als_cli.config.train import TrainConfig
from als_cli.config.tune import TuneConfig


class Config(Section):
    """One YAML file: events in, lists out."""

    workspace: PathText = Field(default="work", validate_default=True)
    """Folder for dataset/, models/, evaluations/, backtests/ and tune/."""
    threads: Literal["auto"] | Annotated[int, Field(ge=1)] = "auto"
    """Threads for everything; `auto`: the processors this process may use, inside a container's limit."""
    events: EventsConfig
    """Raw events and the signal recipe."""
    train: TrainConfig = TrainConfig()
    """The model."""
    evaluate: EvaluateConfig = EvaluateConfig()
    """How it is evaluated."""
    tune: TuneConfig = TuneConfig()
    """How better hyperparameters are searched for."""
    recommend: RecommendConfig = RecommendConfig()
    """What is published."""
