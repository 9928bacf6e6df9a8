"""als-cli: interaction events in, trustworthy top-N lists out."""

__version__ = "0.1.0"

NOTICE = 25
"""Log level between info and warning: shown at a terminal, silent in cron."""
