"""Section `evaluate.backtest`: the same judgement at several cut-offs."""

from typing import Annotated

from pydantic import Field

from als_cli.config.fields import Duration, Section


class BacktestConfig(Section):
    """Which cut-offs `als backtest` evaluates: that of `evaluate.split`, and earlier ones."""

    cut_offs: Annotated[int, Field(ge=1, le=1000)] = 4
    """Cut-offs, the newest among them."""
    step: Duration | None = None
    """From one cut-off back to the one before it. Default: the length of the test period, so that none overlap."""
