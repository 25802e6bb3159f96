"""Cloud-optimised GeoTIFF: one file a layer and period, with overviews, no data, scale, offset and CRS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.core.progress import track
from musyq_lab.production.download.job import Job
from musyq_lab.production.download.layers import Stored, bands, simple

FOLDER = True
"""Whether a download is a folder of files."""
ENDING = "_cog"
"""What follows the name."""

_TILE = 512
_MOST_BANDS = 65_535  # of a TIFF


def check(job: Job) -> None:
    """Refuse what a GeoTIFF cannot hold.

    Raises
    ------
    InputError
        If no layer is a map, the cells are not evenly spaced, or a file would have too many bands.
    """
    if not job.maps:
        raise InputError("None of the variables is a map, so there is nothing a GeoTIFF could hold.")
    transform(job)
    for layer in job.maps:
        _, others = _leading(job, layer)
        if layer.data.isel({d: 0 for d in layer.data.dims[-2:]}).size > _MOST_BANDS and others:
            raise InputError(f"{layer.name!r} has more than {_MOST_BANDS} bands. Take a shorter period, or NetCDF.")


def files(job: Job) -> int:
    """Return how many files it makes."""
    return sum(layer.data.sizes[axis] if (axis := _leading(job, layer)[0]) else 1 for layer in job.maps)


def transform(job: Job) -> Any:
    """Return the affine transform of the map, from the north-west corner.

    Raises
    ------
    InputError
        If the cells are not evenly spaced.
    """
    from rasterio.transform import Affine

    found = []
    for name in (job.grid.columns, job.grid.rows):
        axis = np.asarray(job.ds[name].values, float)
        step = (axis[-1] - axis[0]) / (axis.size - 1) if axis.size > 1 else _alone(job, name)
        line = axis[0] + step * np.arange(axis.size)
        if np.max(np.abs(line - axis)) > 1e-3 * abs(step):
            raise InputError(f"{name} is not evenly spaced, so a GeoTIFF cannot place its cells. Take format='NetCDF'.")
        found.append((min(axis[0], axis[-1]) if name == job.grid.columns else max(axis[0], axis[-1]), abs(step)))
    (west, width), (north, height) = found
    return Affine(_clean(width), 0.0, _clean(west - width / 2), 0.0, -_clean(height), _clean(north + height / 2))


def _alone(job: Job, name: str) -> float:
    """Return the size of a lone cell: what it was on the whole map, else that across."""
    own, across = job.grid.steps if name == job.grid.rows else job.grid.steps[::-1]
    if not (own or across):
        raise InputError("One cell alone does not tell its size, which a GeoTIFF needs. Take format='NetCDF' or 'CSV'.")
    return own or across


def _clean(number: float) -> float:
    return float(f"{number:.12g}")  # 0.1 + 0.2 does not belong into a transform


def write(job: Job, folder: Path) -> None:
    """Write all files.

    Parameters
    ----------
    job : Job
        What to write.
    folder : pathlib.Path
        Empty folder.
    """
    check(job)
    work = [(layer, label, part) for layer in job.maps for label, part in _steps(job, layer)]
    for layer, label, part in track(work, "Writing GeoTIFFs", len(work)):
        name = ".".join(filter(None, (job.stem, layer.name, label)))
        _write_one(job, layer, part, folder / f"{name}.tif")


def _leading(job: Job, layer: Stored) -> tuple[str, list[str]]:
    """Return the dimension that makes files (empty for none) and those that make bands."""
    dims = [str(d) for d in layer.data.dims[:-2]]
    axis = next((d for d in ("time", "period") if d in dims), "")
    return axis, [d for d in dims if d != axis]


def _steps(job: Job, layer: Stored) -> Iterator[tuple[str, xr.DataArray]]:
    axis, _ = _leading(job, layer)
    if not axis:
        yield "", layer.data
        return
    for index in range(layer.data.sizes[axis]):
        part = layer.data.isel({axis: index})
        yield _label(part, axis), part


def _label(part: xr.DataArray, axis: str) -> str:
    if "period" in part.coords and part["period"].ndim == 0:
        return str(part["period"].values)
    if part[axis].dtype.kind == "M":
        return str(np.datetime_as_string(part[axis].values, "s")).replace(":", "").replace("-", "")
    return str(part[axis].values)


def _write_one(job: Job, layer: Stored, part: xr.DataArray, target: Path) -> None:
    """Write a plain tiled TIFF part by part, then copy it in the order that makes it cloud-optimised."""
    import rasterio
    from rasterio.shutil import copy

    draft = target.with_suffix(".draft")
    part = part.transpose(..., job.grid.rows, job.grid.columns)
    for name, sign in ((job.grid.rows, -1), (job.grid.columns, 1)):
        if part.sizes[name] > 1 and sign * float(part[name][-1] - part[name][0]) < 0:
            part = part.isel({name: slice(None, None, -1)})
    dtype = layer.dtype.name
    profile: dict[str, Any] = {
        "driver": "GTiff",
        "height": part.shape[-2],
        "width": part.shape[-1],
        "count": max(1, int(np.prod(part.shape[:-2], dtype=int))),
        "dtype": dtype,
        "crs": rasterio.crs.CRS.from_wkt(job.grid.wkt) if job.grid.wkt else "EPSG:4326",
        "transform": transform(job),
        "nodata": layer.fill,
        "BIGTIFF": "IF_SAFER",
        "INTERLEAVE": "BAND",
        **({"tiled": True, "blockxsize": _TILE, "blockysize": _TILE} if min(part.shape[-2:]) > _TILE else {}),
    }
    classes = (
        "flag_masks" in layer.data.attrs or "flag_values" in layer.data.attrs or "flag_meanings" in layer.data.attrs
    )
    try:
        with rasterio.Env(GDAL_NUM_THREADS="1"):
            with rasterio.open(draft, "w", **profile) as file:
                _fill(file, layer, part)
                _describe(file, layer, part, job)
            resampling = "MODE" if classes else "AVERAGE"
            copy(
                draft, target, driver="COG", COMPRESS="DEFLATE", PREDICTOR="YES", BLOCKSIZE=_TILE, RESAMPLING=resampling
            )
    finally:
        draft.unlink(missing_ok=True)


def _fill(file: Any, layer: Stored, part: xr.DataArray) -> None:
    from rasterio.windows import Window

    shape = (file.count, *part.shape[-2:])
    flat = part.data.reshape(shape)
    for band, rows, columns in bands(shape, (1, min(_TILE, shape[1]), min(_TILE, shape[2])), part.dtype.itemsize):
        values = layer.pack(np.asarray(flat[band, rows, columns]))
        window = Window(columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start)
        file.write(values, indexes=list(range(band.start + 1, band.stop + 1)), window=window)


def _describe(file: Any, layer: Stored, part: xr.DataArray, job: Job) -> None:
    scale, offset = layer.scale
    count = file.count
    file.scales, file.offsets = (scale,) * count, (offset,) * count
    if units := str(layer.data.attrs.get("units", "")):
        file.units = (units,) * count
    leading = part.dims[:-2]
    for band, index in enumerate(np.ndindex(*part.shape[:-2]), start=1):
        labels = [f"{d}={part[d].values[i] if d in part.coords else i}" for d, i in zip(leading, index, strict=True)]
        file.set_band_description(band, ", ".join([layer.name, *labels]))
    tags = simple({**{str(k): v for k, v in job.ds.attrs.items()}, **layer.attributes()})
    if "time" in part.coords and part["time"].ndim == 0 and part["time"].dtype.kind == "M":
        tags["time"] = str(np.datetime_as_string(part["time"].values, "s"))
    file.update_tags(
        **{name: _text(value) for name, value in tags.items() if name not in ("scale_factor", "add_offset")}
    )


def _text(value: Any) -> str:
    return " ".join(map(str, value.tolist())) if isinstance(value, np.ndarray) else str(value)
