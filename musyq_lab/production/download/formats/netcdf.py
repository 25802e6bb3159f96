"""NetCDF-4 with CF attributes, compressed, written in one fixed order so that the same data give the same bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.core.progress import track
from musyq_lab.production.download.job import Job
from musyq_lab.production.download.layers import Stored, bands, chunk, encoded_coordinates, simple
from musyq_lab.production.download.place import mapping_attributes

FOLDER = False
"""Whether a download is a folder of files."""
ENDING = ".nc"
"""What follows the name."""
MAPPING = "crs"
"""Variable that holds the coordinate reference system."""


def check(job: Job) -> None:
    """Refuse nothing: every map can be written."""


def files(job: Job) -> int:
    """Return how many files it makes."""
    return 1


def write(job: Job, folder: Path) -> None:
    """Write the file.

    Parameters
    ----------
    job : Job
        What to write.
    folder : pathlib.Path
        Empty folder.
    """
    import netCDF4

    with netCDF4.Dataset(folder / f"{job.stem}{ENDING}", "w", format="NETCDF4") as file:
        file.set_fill_off()  # every cell is written below
        for name, size in job.ds.sizes.items():
            file.createDimension(str(name), size)
        for name, variable in encoded_coordinates(job.ds).items():
            _coordinate(file, name, variable)
        mapping = file.createVariable(MAPPING, "i4", ())
        mapping.setncatts(simple(mapping_attributes(job.grid)))
        mapping[...] = 0
        made = [(layer, _layer(file, job, layer)) for layer in job.layers]
        file.setncatts(simple({"Conventions": "CF-1.11, ACDD-1.3", **{str(k): v for k, v in job.ds.attrs.items()}}))
        fill(job, [(layer, target) for layer, target in made])


def fill(job: Job, made: list[tuple[Stored, Any]]) -> None:
    """Write the values of all layers, part by part, each after its checksum was compared.

    Parameters
    ----------
    job : Job
        What to write.
    made : list of (Stored, array)
        Layers and what takes them by slices.
    """
    work = [
        (layer, target, index)
        for layer, target in made
        for index in bands(layer.data.shape, chunk(layer.data.shape), layer.data.dtype.itemsize)
    ]
    for layer, target, index in track(work, "Writing", len(work)):
        target[index if index else ...] = layer.pack(np.asarray(layer.data.variable[index].values))


def layer_attributes(job: Job, layer: Stored) -> dict[str, Any]:
    """Return the CF attributes of a stored layer, without its fill value."""
    found = layer.attributes()
    if {job.grid.rows, job.grid.columns} <= set(layer.data.dims):
        found["grid_mapping"] = MAPPING
    names = [
        str(n) for n, c in layer.data.coords.items() if n not in layer.data.dims and n in encoded_coordinates_of(job)
    ]
    return found | ({"coordinates": " ".join(sorted(names))} if names else {})


def encoded_coordinates_of(job: Job) -> set[str]:
    """Return the names of the coordinates that are stored."""
    return set(encoded_coordinates(job.ds))


def _coordinate(file: Any, name: str, variable: xr.Variable) -> None:
    values = np.asarray(variable.values)
    text = values.dtype.kind not in "iufb"
    made = file.createVariable(
        name, str if text else values.dtype.newbyteorder("=").str, variable.dims, fill_value=False if not text else None
    )
    made.setncatts(simple({str(key): value for key, value in variable.attrs.items() if key != "_FillValue"}))
    made[...] = values.astype(object) if text else values


def _layer(file: Any, job: Job, layer: Stored) -> Any:
    shape = layer.data.shape
    options: dict[str, Any] = {"fill_value": False if layer.fill is None else layer.dtype.type(layer.fill)}
    if shape:
        options |= {"zlib": True, "complevel": 4, "shuffle": True, "chunksizes": chunk(shape)}
    made = file.createVariable(layer.name, layer.dtype.str, layer.data.dims, **options)
    made.set_auto_maskandscale(False)
    made.setncatts(simple(layer_attributes(job, layer)))
    return made
