"""als-cli, a batch recommender: reads interaction events and writes top-N lists."""

__version__ = "0.1.0"

NOTICE = 25
"""Log level between info and warning. Notices are printed at a terminal, but not in cron."""
