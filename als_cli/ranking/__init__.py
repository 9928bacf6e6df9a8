"""Exact top-N lists, candidates and the popularity list, and the reports of `recommend` and `show`."""
