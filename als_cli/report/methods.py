"""Names of methods as people read them."""

from als_cli.evaluation.methods import MODEL, PUBLISHED
from als_cli.evaluation.with_rules import WITH_RULES

THE_MODEL = "the model"
"""How charts and tables name the model."""
_LABELS = {MODEL: THE_MODEL, WITH_RULES: "the model with rules", PUBLISHED: "the published model"}
MEANINGS = {
    MODEL: "items by the factors of the user",
    WITH_RULES: "the same, with the rules of the lists",
    PUBLISHED: "the same, with the settings of the published model",
    "popular": "the items with the most users, the same for all users",
    "recent_popular": "the items with the most users lately",
    "item_knn": "items that the users of the user's items also chose",
    "item_bm25": "like item_knn, with weights by BM25",
    "own_items": "the user's own items again",
}
"""What each method recommends."""


def label_of(method: str) -> str:
    """Return `method` as charts and tables name it."""
    return _LABELS.get(method, method)
