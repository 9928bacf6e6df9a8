"""The report of `als embeddings`."""

from rich.console import Group, RenderableType
from rich.text import Text

from als_cli.console.escapes import escaping
from als_cli.console.paths import short_path
from als_cli.console.words import counted
from als_cli.stages.embeddings import EmbeddingsReport


@escaping
def render_embeddings(report: EmbeddingsReport) -> RenderableType:
    """Return a summary of the published vectors."""
    meaning = "the scores of the lists" if report.demand else "the taste of the user, without demand"
    written = f"wrote vectors of {counted(report.users, 'user')} and {counted(report.items, 'item')} in {report.seconds:.1f} s"
    lines = [written, f"{counted(report.dimensions, 'number')} per vector; dot products are {meaning}"]
    if report.users_without_vector:
        without = f"{report.users_without_vector:,} (no item of theirs is in the model)"
        lines.append(f"users without a vector: {without}")
    return Group(*map(Text, lines), Text(f"embeddings: {short_path(report.output)}", overflow="fold"))
