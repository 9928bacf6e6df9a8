"""Exact top-N, candidates, fallback; numbers and ids, no files."""
