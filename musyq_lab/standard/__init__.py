"""Standard scenes: everything that brings data of different origin onto one footing (here: regridding).

Works on data alone. What a step needs from a product (aerosol, water vapour ...) comes as an array, never by import.
"""
