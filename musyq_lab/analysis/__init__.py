"""Analysis of gridded products: areas on the ellipsoid, zones, totals with correlated errors.

Pure functions on DataArrays; nothing here knows a product, a file format or a figure.
"""
