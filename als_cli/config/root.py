"""The whole config."""

from typing import Annotated, Literal

from pydantic import Field

from als_cli.config.embeddings import EmbeddingsConfig
from als_cli.config.evaluate import EvaluateConfig
from als_cli.config.events import EventsConfig
from als_cli.config.fields import PathText, Section
from als_cli.config.recommend import RecommendConfig
from als_cli.config.report import ReportConfig
from als_cli.config.train import TrainConfig
from als_cli.config.tune import TuneConfig


class Config(Section):
    """The keys at the top level of the YAML file."""

    workspace: PathText = Field(default="work", validate_default=True)
    """Folder for dataset/, choice/, models/, evaluations/, backtests/, hindsight/ and tune/."""
    threads: Literal["auto"] | Annotated[int, Field(ge=1, le=1024)] = "auto"
    """Number of threads. `auto`: the processors that this process may use, within the limit of its container."""
    keep: int = Field(default=2, ge=1, le=1000)
    """Number of versions of each artifact in the workspace that stay on disk, the published one included."""
    events: EventsConfig
    """The raw events, and how they become interactions."""
    train: TrainConfig = TrainConfig()
    """The model and its hyperparameters."""
    evaluate: EvaluateConfig = EvaluateConfig()
    """How the model is evaluated."""
    tune: TuneConfig = TuneConfig()
    """The search for better hyperparameters."""
    recommend: RecommendConfig = RecommendConfig()
    """The lists: users, items and output."""
    embeddings: EmbeddingsConfig = EmbeddingsConfig()
    """The vectors of users and items, which `als embeddings` writes."""
    report: ReportConfig = ReportConfig()
    """The HTML report."""
