"""`als similar`: publish the nearest items of every item, or the nearest users of every user."""

from als_cli.arrays import BoolArray
from als_cli.config.rules import RulesConfig
from als_cli.ranking.user_vectors import vectors_of_users
from als_cli.ranking.vector_lists import ListedRows, VectorTable, cosine_ranking
from als_cli.ranking.vector_lists_report import VectorListsReport
from als_cli.stages.context import StageContext
from als_cli.stages.vector_lists import list_source, publish_lists


def similar(
    context: StageContext, of: str, top_n: int | None = None, minimum_support: int | None = None
) -> VectorListsReport:
    """Return the report of the published neighbours `of` all ``items`` or ``users``, by the cosine of their factors.

    Lists have `top_n` rows, default `recommend.top_n`. Items with fewer than `minimum_support` users, and users with
    fewer items, get no list and are in no list.

    Raises
    ------
    ArtifactError
        The dataset or the model is missing or broken, or they do not belong together.
    ConfigError
        The output, a column of the catalogue, the condition or the users do not fit the data.
    DataError
        The catalogue or the users file cannot be used.
    ResourceError
        The output cannot be written, or there is too little memory.
    """
    wanted, minimum = top_n or context.config.recommend.top_n, minimum_support or 0
    return (_items if of == "items" else _users)(context, wanted, minimum)


def _items(context: StageContext, top_n: int, minimum: int) -> VectorListsReport:
    rules = RulesConfig(limits=context.config.recommend.rules.limits)
    source = list_source(context, top_n=top_n, rules=rules, users="all")
    with source.inputs.unchanged():
        read = source.read_rules().rules
    supported: BoolArray | None = source.users_of_items() >= minimum if minimum else None
    table = VectorTable("item_id", source.ranked.item_ids, source.ranked.factors.items, supported)
    ranking = cosine_ranking(table, ListedRows(top_n, read.allowed, read.limits), context.threads)
    return publish_lists(source, "similar items", ranking, read, minimum)


def _users(context: StageContext, top_n: int, minimum: int) -> VectorListsReport:
    source = list_source(
        context, top_n=top_n, rules=RulesConfig(), items=None, exclude_seen=False, seen_again_after=None
    )
    with source.inputs.unchanged():
        audience, read = source.audience(), source.read_rules().rules
    recommender = source.recommender(read)
    users = vectors_of_users(recommender, audience, source.config.block_users, with_demand=False)
    items = source.dataset.interactions.users["interactions"].to_numpy()[users.dataset_rows]
    supported: BoolArray | None = items >= minimum if minimum else None
    table = VectorTable("user_id", users.user_ids, users.vectors, supported)
    ranking = cosine_ranking(table, ListedRows(top_n), context.threads)
    left_out = {"users_without_vector": users.without_vector}
    return publish_lists(source, "similar users", ranking, read, minimum, **left_out)
