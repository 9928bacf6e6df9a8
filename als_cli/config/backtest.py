"""Section `evaluate.backtest`: the same evaluation at several cut-offs."""

from typing import Annotated

from pydantic import Field

from als_cli.config.fields import Duration, Section


class BacktestConfig(Section):
    """Cut-offs that `als backtest` evaluates: the cut-off of `evaluate.split`, and earlier ones."""

    cut_offs: Annotated[int, Field(ge=1, le=1000)] = 4
    """Number of cut-offs, including the newest."""
    step: Duration | None = None
    """Time between two cut-offs. Default: the length of the test period, so that test periods do not overlap."""
