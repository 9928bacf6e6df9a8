"""Compiled loops (numba): arrays in, arrays out, no checks; the modules beside them check first.

Import `row_system` and `importing` freely. Every other module here imports numba, and a kernel is compiled when its module
is imported (once per machine): see `importing`.
"""
