"""Section `report`: the HTML report."""

from pydantic import Field

from als_cli.config.fields import PathText, Section
from als_cli.config.source import ColumnRef


class ReportConfig(Section):
    """The HTML report: one page about data, training, quality and lists."""

    path: PathText | None = None
    """File of the report, for example `out/report.html`. `als run`, `als evaluate`, `als backtest` and `als tune` then write it when they end. Default: only `als report` writes it, to report.html in the workspace."""
    category: ColumnRef | None = None
    """Column of the catalogue that colours the map of items. Default: column `category`, if the catalogue has it."""
    users: int = Field(default=20, ge=0, le=50)
    """Number of users whose history is shown beside their list. 0: the report has no user ids and no histories."""
    items: int = Field(default=1500, ge=10, le=3000)
    """Maximum number of items on the map. The items with the most users are on it."""
