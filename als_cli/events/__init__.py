"""Raw events to clean events and user-item pairs: sources, checks, rejected rows, weights."""
