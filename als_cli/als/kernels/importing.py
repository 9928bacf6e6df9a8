"""The lock to hold while a kernel is imported; numba is not imported here.

numba's modules import each other in circles. Two threads that import numba at the same time, the command's own and the
one that warms up, could each be given a module that the other has only begun to load.
"""

import threading

IMPORTING = threading.RLock()
"""Write ``with IMPORTING:`` around the import, inside the function that calls the kernel: importing it compiles it."""
