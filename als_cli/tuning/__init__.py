"""Hyperparameters: parameters, presets, the search behind `auto`, the search behind `als tune`."""
