"""Product files: HDF5 that cannot be half-written, says what it holds and proves that it has not changed.

``write`` and ``open`` are the two doors. Behind them: ``naming`` and ``tiles`` say what a file is called and which part
of the globe it is, ``encode`` how values are packed, ``structure`` what netCDF-4 readers expect, ``overviews`` the
coarser maps, ``lineage`` the record of the making and the granules, ``index`` what a cube has to know of every file,
``draft`` the atomic replacement, ``manifest`` the checksums and run records. ``foreign`` opens the user's own rasters,
``peers`` products of other producers. How bytes are read, and checked before any is trusted, lies in
:mod:`musyq_lab.files`.
"""
