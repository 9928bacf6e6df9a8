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

| module | what it has | imports numba |
|---|---|---|
| `rows` | the row kernels as functions that allocate the scratch memory | no |
| `row_system`, `scratch` | what a kernel is given (the matrix, the fixed factors, the ridge) and where it writes; its scratch memory | no |
| `signatures` | the types of arguments, their checks, and their form in a call | no |
| `kernel`, `machine_code` | the call of a kernel; its machine code on disk and in memory | no |
| `compiling` | the compilation of a kernel, and the decorators `inlined` and `pasted` of its helpers | yes |
| `vectors` | sixteen float32 values as one value: load, store, multiply-add, sum | yes |
| `tiles` | eight or sixteen of these values as one, for products and Cholesky that stay in registers | yes |
| `blocks`, `cholesky`, `dense_system` | loops over blocks of rows; a small Cholesky; the f x f system of a row | yes |
| `numba_internals` | everything that depends on numba's private parts | yes |

How to read a kernel: begin with the function in `rows`, which allocates the scratch memory. Then read the function of the
same name in the module of the kernel, the only compiled entry, and the helpers above it. `als_cli/als/reference.py` is
the same computation in plain float64 numpy, and `tests/als/test_native.py` compares the two.

A kernel is compiled in its first call on a machine. Later runs use its machine code without numba
(docs/decisions/0021).
"""
