"""Names of accuracy metrics in the config."""

import re
from typing import Annotated

from pydantic import AfterValidator
from pydantic.json_schema import WithJsonSchema

_PATTERN = r"(ndcg|recall|precision|map|mrr|hit_rate)@[1-9][0-9]*"


def check_accuracy_metric(metric: str) -> str:
    """Return `metric`, an accuracy metric with its k, for example ``ndcg@10``.

    Raises
    ------
    ValueError
        `metric` is another text.
    """
    if not re.fullmatch(_PATTERN, metric):
        raise ValueError(
            "a metric is one of ndcg, recall, precision, map, mrr, hit_rate, then @k, for example ndcg@10"
        )
    return metric


AccuracyMetric = Annotated[
    str,
    AfterValidator(check_accuracy_metric),
    WithJsonSchema({"type": "string", "pattern": f"^{_PATTERN}$", "examples": ["ndcg@10", "recall@20"]}),
]
"""An accuracy metric with its k, for example ``ndcg@10``."""
