"""`als audience`: publish the best users of each item of a file."""

import numpy as np

from als_cli.arrays import BoolArray
from als_cli.config.recommend import CatalogConfig
from als_cli.config.rules import RulesConfig
from als_cli.errors import ConfigError
from als_cli.ranking.user_vectors import vectors_of_users
from als_cli.ranking.vector_lists import ListedRows, VectorRanking, VectorTable
from als_cli.ranking.vector_lists_report import VectorListsReport
from als_cli.stages.context import StageContext, reads_events
from als_cli.stages.vector_lists import list_source, publish_lists

_KEY = "recommend.items.allow"


@reads_events
def audience(
    context: StageContext, top_n: int | None = None, minimum_support: int | None = None
) -> VectorListsReport:
    """Return the report of the published users of each item of `recommend.items.allow`, by the score of the lists.

    Lists have `top_n` users, default `recommend.top_n`. They are users of `recommend.users` with a vector. The rules on
    single users apply: seen items, `user_allow`, `user_deny` and `minimum_score`. Items with fewer than
    `minimum_support` users get no list.

    Raises
    ------
    ArtifactError
        The dataset or the model is missing or broken, or they do not belong together.
    ConfigError
        The output or the users do not fit the data.
    DataError
        The file of the items cannot be used, or the model knows none of them. Or the users file cannot be used.
    ResourceError
        The output cannot be written, or there is too little memory.
    """
    recommend = context.config.recommend
    wanted, minimum = top_n or recommend.top_n, minimum_support or 0
    if recommend.items is None or recommend.items.allow is None:
        raise ConfigError(f"{_KEY} is missing", hint="add --items FILE")
    applying = RulesConfig(
        user_allow=recommend.rules.user_allow,
        user_deny=recommend.rules.user_deny,
        minimum_score=recommend.rules.minimum_score,
    )
    items = CatalogConfig(allow=recommend.items.allow)
    source = list_source(context, top_n=wanted, rules=applying, items=items)
    with source.inputs.unchanged():
        people, found = source.audience(), source.read_rules()
    read = found.rules
    assert read.allowed is not None  # noqa: S101 - the items of the file
    item_rows = np.flatnonzero(read.allowed).astype(np.int32)
    recommender = source.recommender(read)
    users = vectors_of_users(recommender, people, source.config.block_users, item_rows, with_demand=True)
    supported: BoolArray | None = source.users_of_items()[item_rows] >= minimum if minimum else None
    ranking = VectorRanking(
        VectorTable(
            "item_id",
            source.ranked.item_ids.gather(item_rows),
            recommender.item_vectors(with_demand=True)[item_rows],
            supported,
        ),
        VectorTable("user_id", users.user_ids, users.vectors),
        ListedRows(
            wanted,
            minimum_score=-np.inf if read.minimum_score is None else read.minimum_score,
            masks=users.of_items,
        ),
        context.threads,
    )
    left_out = {
        "unknown_items": found.unknown_items.get(_KEY, 0),
        "users_without_vector": users.without_vector,
    }
    return publish_lists(source, "audience", ranking, read, minimum, **left_out)
