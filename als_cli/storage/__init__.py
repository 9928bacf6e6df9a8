"""Atomic publish, manifests, the lock, artifacts on disk, sinks."""
