"""Downloads: a part of a product as HDF5, NetCDF, GeoTIFF, Zarr or CSV, resumable, checked and with its attribution."""
