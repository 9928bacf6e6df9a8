"""Compiled loops (numba): arrays in, arrays out, no checks; the modules beside this package check first.

Why kernels of our own: the libraries' solvers do one dense f x f product per row and step. In the eigenbasis of the
fixed side (docs/decisions/0011) that product is a diagonal, and what is left is a loop over the row's own pairs, which
no library call covers.

| module | what it solves | cost per row of n pairs |
|---|---|---|
| `short_rows` | rows with few pairs, exactly, through an n x n system | n^2 f + n^3 / 3 |
| `long_rows` | other rows, by conjugate-gradient steps from their last factors | 3 n f per step |
| `longest_rows` | rows too long for the core's cache: the same steps, for many rows at once, block by block | 3 n f per step |
| `dense_rows` | every row that must be exact and is too long for `short_rows`, through the f x f system | n f^2 + f^3 / 3 |

The parts they are made of:

| module | what it has |
|---|---|
| `row_system`, `row_types` | what a kernel is given (the matrix, the fixed factors, the ridge) and where it writes; the numba types of both |
| `vectors` | sixteen float32 values as one value: load, store, multiply-add, sum |
| `tiles` | eight or sixteen such values as one, for products and Cholesky that stay in registers |
| `blocks`, `cholesky` | loops over blocks of rows; a small Cholesky |
| `compiling` | the decorators `kernel`, `inlined` and `pasted`, and the cache of machine code |
| `importing` | the lock under which kernels are imported, one thread at a time |
| `numba_internals` | everything that depends on numba's private parts |

How to read a kernel: begin at the function at the bottom without an underscore, which allocates the scratch memory; then
`_solve`, the only compiled entry; then the helpers upward. `als_cli/als/reference.py` is the same computation in plain
float64 numpy, and `tests/als/test_native.py` compares the two.

Import `row_system` and `importing` freely. Every other module here imports numba, and a kernel is compiled when its module
is imported (once per machine): see `importing`.
"""
