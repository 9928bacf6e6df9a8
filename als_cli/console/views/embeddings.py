"""The report of `als embeddings`."""

from rich.console import Group, RenderableType
from rich.text import Text

from als_cli.console.escapes import escaping
from als_cli.console.paths import short_path
from als_cli.stages.embeddings import EmbeddingsReport


@escaping
def render_embeddings(report: EmbeddingsReport) -> RenderableType:
    """Return a summary of the published vectors."""
    meaning = "the scores of the lists" if report.demand else "the taste of the user, without demand"
    written = f"wrote vectors of {report.users:,} users and {report.items:,} items in {report.seconds:.1f} s"
    lines = [written, f"{report.dimensions} numbers per vector; dot products are {meaning}"]
    if report.users_without_vector:
        without = f"{report.users_without_vector:,} (no item of theirs is in the model)"
        lines.append(f"users without a vector: {without}")
    return Group(*map(Text, lines), Text(f"embeddings: {short_path(report.output)}", overflow="fold"))
