"""Ordinary input for any product, made from the nomenclature's ranges."""

import numpy as np
import xarray as xr

CHUNKS = [{"latitude": 4, "longitude": 5}, {"latitude": 1, "longitude": -1}, {"latitude": -1, "longitude": 3}]
SHAPE = (9, 11)


def example(spec, seed=20151):
    """Return a Dataset with every input of a spec, in the middle of its physical range."""
    random = np.random.default_rng(seed)
    coordinates = {"latitude": np.linspace(50, 42, SHAPE[0]), "longitude": np.linspace(70, 80, SHAPE[1])}
    variables = {}
    for item in spec.inputs:
        low, high = item.valid_range
        # Spectra and fluxes alike: positive, and away from the ends where products are refused for good reason.
        values = random.uniform(max(low, 0) + 0.05 * (high - max(low, 0)), low + 0.45 * (high - low), SHAPE)
        variables[item.name] = (("latitude", "longitude"), values, {"units": item.units})
    return xr.Dataset(variables, coordinates)


def lazily(dataset, chunks):
    """Return the dataset in dask chunks."""
    return dataset.chunk(chunks)


def never(*_args, **_kwargs):
    """Stand in for a dask scheduler and raise: whoever computes is found out."""
    raise AssertionError("something was computed while the graph was being built")
