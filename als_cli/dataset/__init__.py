"""Ids to rows and back, the user-item matrix, splits."""
