"""The report of `als train`."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from als_cli.console.escapes import escaping
from als_cli.console.paths import short_path
from als_cli.console.stacked import Stacked
from als_cli.console.words import counted
from als_cli.stages.train import TrainReport


@escaping
def render_train(report: TrainReport) -> RenderableType:
    """Return a summary, and the loss and seconds of each iteration."""
    table = Table("iteration", "loss", "seconds", box=None, padding=(0, 2), title_justify="left")
    for column in table.columns:
        column.justify = "right"
    for number, (loss, seconds) in enumerate(
        zip(report.loss, report.iteration_seconds, strict=True), start=1
    ):
        table.add_row(str(number), f"{loss:.6f}", f"{seconds:.2f}")
    summary = (
        f"trained {counted(report.factors, 'factor')} with engine {report.engine} on {counted(report.users, 'user')}, "
        f"{counted(report.items, 'item')}, {counted(report.interactions, 'interaction')} in {report.seconds:.1f} s"
    )
    return Group(Text(summary), Stacked(table), Text(f"model: {short_path(report.model)}", overflow="fold"))
