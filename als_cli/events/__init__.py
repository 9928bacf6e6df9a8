"""Raw events to interactions: sources, checks and quarantine, signal; polars."""
