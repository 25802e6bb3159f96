"""Numerical kernels: the physics of every product as scalar mathematics, compiled once and shared.

Each module holds one branch of physics (``solar``, ``spectral_index``, ``brdf`` ...). Kernels take plain numpy arrays
and import only numpy, numba and the standard library; names, units, masks and dask belong to the layers above.
``_compile`` holds the one ``Kernel`` class, ``_math`` the elementary functions that the vectoriser can inline.
"""
