"""Guesses about event files: columns, formats, weights, split. Each says how sure it is, and why."""
