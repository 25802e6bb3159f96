"""Zarr version 3, as xarray opens it: CF attributes, named dimensions, packed numbers, Zstandard."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.production.download.formats.netcdf import MAPPING, fill, layer_attributes
from musyq_lab.production.download.job import Job
from musyq_lab.production.download.layers import Stored, chunk, encoded_coordinates, simple
from musyq_lab.production.download.place import mapping_attributes

FOLDER = True
"""Whether a download is a folder of files."""
ENDING = ".zarr"
"""What follows the name."""


def check(job: Job) -> None:
    """Say what is missing where Zarr cannot be written.

    Raises
    ------
    InputError
        If the optional package is not installed.
    """
    from importlib.util import find_spec

    if find_spec("zarr") is None:
        raise InputError("Zarr needs the optional package zarr: python -m pip install 'musyq-lab[zarr]'.")


def files(job: Job) -> int:
    """Return how many files it makes, about: a chunk each."""
    import math

    shapes = [layer.data.shape for layer in job.layers]
    return sum(math.prod(math.ceil(n / c) for n, c in zip(shape, chunk(shape), strict=True)) for shape in shapes)


def write(job: Job, folder: Path) -> None:
    """Write the store into the folder itself.

    Parameters
    ----------
    job : Job
        What to write.
    folder : pathlib.Path
        Empty folder.
    """
    import zarr

    attributes = {"Conventions": "CF-1.11, ACDD-1.3", **{str(k): v for k, v in job.ds.attrs.items()}}
    group = zarr.create_group(str(folder), zarr_format=3, attributes=_json(attributes))
    for name, variable in encoded_coordinates(job.ds).items():
        _coordinate(group, name, variable)
    _array(group, MAPPING, np.zeros((), np.int32), (), mapping_attributes(job.grid))
    fill(job, [(layer, _layer(group, job, layer)) for layer in job.layers])
    with warnings.catch_warnings():
        # The specification does not have it yet; xarray warns of stores without, and other readers pass it over.
        warnings.filterwarnings("ignore", message="Consolidated metadata")
        zarr.consolidate_metadata(str(folder), zarr_format=3)


def _coordinate(group: Any, name: str, variable: xr.Variable) -> None:
    values = np.asarray(variable.values)
    if values.dtype.kind not in "iufb":
        values = values.astype(np.dtypes.StringDType())  # of fixed length they are no part of the specification
    _array(group, name, values, tuple(map(str, variable.dims)), dict(variable.attrs))


def _array(group: Any, name: str, values: Any, dims: tuple[str, ...], attributes: dict[str, Any]) -> None:
    made = group.create_array(
        name,
        shape=values.shape,
        dtype=values.dtype,
        chunks=values.shape or (),
        dimension_names=dims,
        attributes=_json(attributes),
    )
    made[...] = values


def _layer(group: Any, job: Job, layer: Stored) -> Any:
    attributes = layer_attributes(job, layer)
    options: dict[str, Any] = {}
    if layer.fill is not None:
        options["fill_value"] = layer.dtype.type(layer.fill)
        attributes["_FillValue"] = _encoded_fill(layer)
    return group.create_array(
        layer.name,
        shape=layer.data.shape,
        dtype=layer.dtype,
        chunks=chunk(layer.data.shape) if layer.data.shape else (),
        dimension_names=tuple(map(str, layer.data.dims)),
        attributes=_json(attributes),
        config={"write_empty_chunks": True},
        **options,
    )


def _encoded_fill(layer: Stored) -> Any:
    """Return the fill value as xarray keeps it in the JSON of a store."""
    from xarray.backends.zarr import FillValueCoder

    return FillValueCoder.encode(layer.dtype.type(layer.fill), layer.dtype)


def _json(attributes: dict[str, Any]) -> dict[str, Any]:
    plain = simple(attributes)
    return {
        key: value.tolist() if isinstance(value, (np.generic, np.ndarray)) else value for key, value in plain.items()
    }
