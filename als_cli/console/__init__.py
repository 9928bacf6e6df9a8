"""Printing, progress, logging and exit codes; no other package prints."""
