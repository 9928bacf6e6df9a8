"""The report of `als audience`, which has the form of the report of `als similar`."""

from als_cli.console.views.similar import render_similar as render_audience

__all__ = ["render_audience"]
