"""Implicit-feedback ALS: the loss, the solvers and the engines. Arrays in, arrays out."""
