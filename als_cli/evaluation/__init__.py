"""Metrics, baselines, comparisons, cohorts, fallback, gate, and the reports of evaluations and backtests."""
