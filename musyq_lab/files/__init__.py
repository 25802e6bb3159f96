"""Reading files: checked before any byte is trusted, lazy, with no handle kept open.

``safety`` and ``stored`` read HDF5, ``hdf4`` HDF4, ``raster`` what GDAL reads (GeoTIFF, JPEG 2000), ``lazy`` turns any
of their layers into a dask array. Knows nothing of sensors or products.
"""
