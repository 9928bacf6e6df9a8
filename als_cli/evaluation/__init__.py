"""Metrics, protocols, baselines, gate."""
