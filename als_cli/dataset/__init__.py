"""Interactions: ids, rows and the user-item matrix of strengths."""
