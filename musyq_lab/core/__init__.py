"""The ground floor: specs, nomenclature, units, grids, periods, quality bits, registries and errors.

Imports nothing else of the package.
"""
