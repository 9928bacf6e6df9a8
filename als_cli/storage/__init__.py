"""Artifacts on disk: atomic publishing, manifests, the workspace lock, checks of paths, sinks for lists."""
