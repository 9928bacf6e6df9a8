"""Compiled loops (numba): arrays in, arrays out, no checks; the modules beside them check first.

Import `als_cli.als.kernels.compiling` freely; importing any other module here compiles it (once per machine).
"""
