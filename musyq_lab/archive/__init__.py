"""Product files: HDF5 that cannot be half-written, says what it holds and proves that it has not changed.

``write`` and ``open`` are the two doors, ``naming`` the file names, ``encode`` the packing, ``stored`` the lazy
reading, ``draft`` the atomic replacement, ``manifest`` the checksums and run records, ``safety`` the check before
any byte of a file is trusted, ``foreign`` the user's own rasters. The only layer that imports h5py.
"""
