"""The base of every report: what a command did, as one JSON document."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, SerializeAsAny


class Report(BaseModel):
    """What a command did: the JSON document of ``--json``, and what its table shows."""

    model_config = ConfigDict(frozen=True)


class StageOutcome(Report):
    """What happened to one stage."""

    stage: str
    status: Literal["done", "up_to_date", "not_due", "rolled_back"]
    """not_due: `train.again_after` keeps the model. rolled_back: the stage would make the version again that a rollback left."""
    seconds: float
    report: SerializeAsAny[Report] | None
    """The stage's own report, None if the stage did not run."""
