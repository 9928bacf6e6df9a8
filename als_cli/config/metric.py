"""Names of accuracy metrics in the config."""

import re


def check_accuracy_metric(metric: str) -> str:
    """Return `metric`, an accuracy metric with its k, for example ``ndcg@10``.

    Raises
    ------
    ValueError
        `metric` is another text.
    """
    if not re.fullmatch(r"(ndcg|recall|precision|map|mrr|hit_rate)@[1-9]\d*", metric):
        raise ValueError(
            "a metric is one of ndcg, recall, precision, map, mrr, hit_rate, then @k, for example ndcg@10"
        )
    return metric
