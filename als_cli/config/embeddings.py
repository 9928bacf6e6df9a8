"""Section `embeddings`: the vectors of users and items for vector indexes."""

from pydantic import Field

from als_cli.config.fields import PathText, Section


class EmbeddingsConfig(Section):
    """The vectors of users and items."""

    path: PathText = Field(default="out/embeddings", validate_default=True)
    """A folder for users.parquet and items.parquet. It must be outside the workspace and must not overwrite an input."""
    demand: bool = True
    """Whether item vectors have the weights of demand, so that dot products are the scores of the lists. Otherwise dot products are the taste of the user alone."""
    keep: int = Field(default=5, ge=1, le=1000)
    """Number of versions of the embeddings that stay on disk, the published one included."""
