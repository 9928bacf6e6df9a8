"""Completion of the command line in bash, zsh and fish.

The scripts of the shells run ``als`` with the variable ``_ALS_COMPLETE``, and read one candidate per line. They never
evaluate a candidate, because ids come from the data.
"""
