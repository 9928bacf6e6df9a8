"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from als_cli.console.arguments import parse_count

AsOfFlag = Annotated[
    str | None,
    typer.Option(
        "--as-of", metavar="TIME", help="Leave out events after this time, e.g. 2026-01-31T04:00:00Z."
    ),
]
OutputFlag = Annotated[
    str | None,
    typer.Option(
        "--output", "-o", metavar="PATH", help="Where to write the lists; - streams rows to stdout."
    ),
]
AcceptFlag = Annotated[
    bool,
    typer.Option("--accept-churn", help="Publish the lists even if recommend.churn is not met."),
]
SeparateOutputFlag = Annotated[
    str | None,
    typer.Option(
        "--output", "-o", metavar="PATH", help="Where to write. Required. - streams rows to stdout."
    ),
]
LengthFlag = Annotated[
    int | None,
    typer.Option(
        "--top-n", "-n", metavar="N", parser=parse_count, help="Rows per list. Default: recommend.top_n."
    ),
]
MinimumUsersFlag = Annotated[
    int | None,
    typer.Option(
        "--minimum-users", metavar="M", parser=parse_count, help="Leave out items with fewer users."
    ),
]
ReportFlag = Annotated[
    str | None,
    typer.Option("--report", metavar="FILE", help="Also write the HTML report here, as report.path does."),
]
UsersFlag = Annotated[
    Path | None, typer.Option("--users", metavar="FILE", help="Recommend for the users in this file only.")
]
