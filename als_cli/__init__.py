"""als-cli: interaction events in, trustworthy top-N lists out."""

__version__ = "0.1.0"
