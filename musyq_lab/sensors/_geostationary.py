"""What the sensors over the equator share: the grid of scan angles, lines seen one after another, angles, quality.

A sensor says what its file says (:class:`View`, and :class:`~musyq_lab.sensors._calibrate.Counts` or bands that are
physical already); longitude, latitude, the angles of the Sun at the instant of each line, those of the satellite, and
the division of reflectance by the cosine of the Sun's zenith angle are made here, lazily.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import SceneError
from musyq_lab.core.quality import QA_DTYPE, SCENE_FLAG
from musyq_lab.core.sensor import Calibration
from musyq_lab.files.lazy import blocks, dask_array
from musyq_lab.files.safety import check_hdf5, damage, opened
from musyq_lab.files.stored import Packing, StoredLayer
from musyq_lab.kernels.radiometry import planck_constants
from musyq_lab.sensors._calibrate import Counts, Illumination, cosine, physical
from musyq_lab.sensors._disk import View, layers
from musyq_lab.sensors._granule import Granule
from musyq_lab.sensors._scene import Acquisition, Rule, assemble, quality
from musyq_lab.sensors._time import sun_distance

_HORIZON = 90.0
_EDGE = 1024  # of a block, or of a square of its area


def scan_angles(count: int, offset: float, factor: float, height: float, first: int = 1) -> NDArray[np.float64]:
    """Return the projection coordinates (m) of columns, or of lines with the sign turned.

    Parameters
    ----------
    count : int
        Number of columns.
    offset : float
        COFF: the column, counted from 1, at angle 0.
    factor : float
        CFAC: columns per degree times 2^16 (CGMS 03, section 4.4.4).
    height : float
        Of the projection above the ellipsoid (m).
    first : int
        Number of the first column.
    """
    degrees = (np.arange(first, first + count, dtype=np.float64) - offset) * 2.0**16 / factor
    return np.asarray(np.radians(degrees) * height)


def scene_of_counts(
    granule: Granule,
    acquisition: Acquisition,
    counts: Sequence[Counts],
    view: View,
    *,
    calibration: Calibration,
    layers: Iterable[tuple[xr.DataArray, Sequence[Rule]]] = (),
    corrections: Mapping[str, tuple[float, float, float]] | None = None,
) -> xr.Dataset:
    """Return the scene of bands given as stored numbers.

    Parameters
    ----------
    granule, acquisition, calibration
        As for :func:`musyq_lab.sensors._scene.assemble`.
    counts : sequence of Counts
        Bands on the grid of ``view``; what they call reflectance is not divided by the cosine of the Sun's zenith.
    view : View
        Geometry.
    layers : iterable of (DataArray, sequence of Rule)
        The producer's quality layers.
    corrections : mapping of str to (float, float, float), optional
        Band -> coefficients c0, c1, c2 of a parabola over the temperature that the inverse Planck function gives.
    """
    counts = [replace(c, data=_on_grid(c.data, view)) for c in counts]
    geometry = _geometry(counts[0].data, view)
    sun = Illumination(geometry.angles["sun_zenith"], sun_distance(acquisition.start))
    bands = {}
    for c in counts:
        data = physical(c, calibration, sun)
        if calibration == "reflectance" and c.band.name in (corrections or {}):
            data = _parabola(data, (corrections or {})[c.band.name])
        bands[c.band.name] = data if calibration == "counts" else _masked(data, geometry.disk)
    bits = quality(counts, [(_on_grid(layer, view), rules) for layer, rules in layers])
    return _scene(granule, acquisition, bands, calibration, geometry, bits | geometry.bits)


def scene_of_bands(
    granule: Granule,
    acquisition: Acquisition,
    bands: Mapping[str, xr.DataArray],
    view: View,
    *,
    calibration: Calibration,
) -> xr.Dataset:
    """Return the scene of bands that are physical already, reflectance not yet divided by the cosine.

    Parameters
    ----------
    granule, acquisition, view, calibration
        As for :func:`scene_of_counts`.
    bands : mapping of str to DataArray
        Role -> data with ``units``, NaN where there is none.
    """
    placed = {name: _on_grid(data, view) for name, data in bands.items()}
    geometry = _geometry(next(iter(placed.values())), view)
    bits = _bit(_all_missing(placed), "no_data") | geometry.bits
    made = {}
    for name, data in placed.items():
        lit = calibration == "reflectance" and not granule.sensor.band(name, acquisition.platform).thermal
        value: xr.DataArray = data / cosine(geometry.angles["sun_zenith"]) if lit else data
        made[name] = data if calibration == "counts" else _masked(value, geometry.disk, data.attrs)
    return _scene(granule, acquisition, made, calibration, geometry, bits)


def radiance_of_temperature(temperature: xr.DataArray, wavelength: float) -> xr.DataArray:
    """Return the radiance (W m-2 sr-1 um-1) of a black body at one wavelength, for files that give temperature alone.

    Parameters
    ----------
    temperature : DataArray
        Brightness temperature (K).
    wavelength : float
        Centre of the band (um).
    """
    k1, k2 = planck_constants(wavelength)
    exact = temperature.where(temperature > 0).astype(np.float64)
    exponent: Any = np.expm1(k2 / exact)
    made: xr.DataArray = (k1 / exponent).astype(np.float32)
    return made.drop_attrs().assign_attrs(
        units="W m-2 sr-1 um-1",
        standard_name="toa_outgoing_radiance_per_unit_wavelength",
        comment="from brightness temperature by Planck's law at the centre wavelength",
    )


def stored(path: str | Path, name: str) -> xr.DataArray:
    """Return a two-dimensional dataset of an HDF5 file as it is stored, lazily.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.
    name : str
        Of the dataset.

    Raises
    ------
    SceneError
        If there is no such dataset, or it is no image of whole numbers.
    """
    check_hdf5(path)
    with opened(path) as file, damage(path):
        dataset = file.get(name)
        if dataset is None or getattr(dataset, "ndim", 0) != 2 or dataset.dtype.kind not in "iu":
            raise SceneError(f"{path} has no image {name!r}. It is of another kind or version, or damaged.")
        shape, chunks, dtype = dataset.shape, dataset.chunks, dataset.dtype
    layer = StoredLayer((str(path),), name, shape, dtype, Packing())
    own = blocks(shape, chunks or (1, shape[1]), least=_EDGE)  # one stored in one piece can be read by lines
    return xr.DataArray(dask_array(layer, own, layer.paths, name.rpartition("/")[2]), dims=("y", "x"))


def averaged(counts: Counts, factor: int) -> Counts:
    """Return a band of a finer grid as means of its pixels, missing where any of them is.

    Calibration is linear in the counts, so the mean of counts is that of radiance.

    Parameters
    ----------
    counts : Counts
        Of the finer grid.
    factor : int
        Fine pixels along a coarse one.
    """
    fine = counts.data.where(~counts.missing()).astype(np.float32)
    return replace(counts, data=averaged_data(fine, factor), fills=(), valid=(-math.inf, math.inf))


def averaged_data(data: xr.DataArray, factor: int) -> xr.DataArray:
    """Return means of ``factor`` x ``factor`` pixels, NaN where one of them is."""
    if factor == 1:
        return data
    mean: xr.DataArray = data.coarsen(y=factor, x=factor, boundary="trim").reduce(np.mean)  # .mean would skip NaN
    return mean.astype(np.float32)


def looked_up(data: xr.DataArray, table: NDArray[np.float32]) -> xr.DataArray:
    """Return the value that a table gives to each count, NaN beyond its end.

    Parameters
    ----------
    data : DataArray
        Counts.
    table : array
        Value of each count from 0, NaN where it means no data.
    """
    ended = np.append(table, np.float32(np.nan))
    made: xr.DataArray = xr.apply_ufunc(
        _look_up, data, kwargs={"table": ended}, dask="parallelized", output_dtypes=[np.float32]
    )
    return made.drop_attrs()


def _look_up(block: NDArray[Any], table: NDArray[np.float32]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = table[np.minimum(block, table.size - 1)]
    return found


def coarse(centres: NDArray[np.float64], factor: int) -> NDArray[np.float64]:
    """Return the centres of pixels that are made of ``factor`` fine ones."""
    whole = centres[: centres.size // factor * factor]
    return np.asarray(whole.reshape(-1, factor).mean(axis=1))


@dataclass(frozen=True, slots=True)
class _Geometry:
    angles: dict[str, xr.DataArray]
    disk: xr.DataArray
    bits: xr.DataArray
    view: View = field(repr=False)


def _geometry(template: xr.DataArray, view: View) -> _Geometry:
    made = {name: _on_grid(layer, view) for name, layer in layers(view, template.chunks or view.shape).items()}
    disk = made.pop("disk")
    return _Geometry(made, disk, night_and_space(disk, made["sun_zenith"]), view)


def night_and_space(disk: xr.DataArray, sun_zenith: xr.DataArray) -> xr.DataArray:
    """Return the quality bits of pixels beside the globe (no data) and of those with the Sun below the horizon."""
    return _bit(~disk, "no_data") | _bit(sun_zenith > _HORIZON, "night")


def _on_grid(data: xr.DataArray, view: View) -> xr.DataArray:
    """Give a band the coordinates and the CRS of the image."""
    import rioxarray  # noqa: F401  # registers `.rio`

    if data.shape != (view.y.size, view.x.size):
        raise SceneError(
            f"A band has {data.shape[0]} x {data.shape[1]} pixels where {view.y.size} x {view.x.size} were expected. "
            "The files do not belong together, or one is damaged."
        )
    attrs = data.attrs
    bare = data.drop_vars([name for name in data.coords]).assign_coords(x=view.x, y=view.y)
    placed: xr.DataArray = bare.rio.write_crs(view.projection.text)
    return placed.assign_attrs(attrs)


def _masked(data: xr.DataArray, disk: xr.DataArray, attrs: Mapping[str, Any] | None = None) -> xr.DataArray:
    """Take away what lies beside the globe."""
    kept = dict(data.attrs if attrs is None else attrs)
    made: xr.DataArray = data.where(disk).astype(np.float32)
    return made.drop_attrs().assign_attrs(kept)


def _parabola(temperature: xr.DataArray, coefficients: tuple[float, float, float]) -> xr.DataArray:
    c0, c1, c2 = coefficients
    exact = temperature.astype(np.float64)
    made: xr.DataArray = (c0 + exact * (c1 + exact * c2)).astype(np.float32)
    return made.assign_attrs(temperature.attrs)


def _all_missing(bands: Mapping[str, xr.DataArray]) -> xr.DataArray:
    missing: xr.DataArray | None = None
    for data in bands.values():
        here = data.isnull()
        for fill in data.attrs.get("fill_values", ()):
            here = here | (data == fill)
        missing = here if missing is None else missing & here
    assert missing is not None  # a scene has a band
    return missing


def _bit(where: xr.DataArray, flag: str) -> xr.DataArray:
    return where.drop_attrs().astype(QA_DTYPE) * QA_DTYPE.type(SCENE_FLAG[flag].mask)


def _scene(
    granule: Granule,
    acquisition: Acquisition,
    bands: Mapping[str, xr.DataArray],
    calibration: Calibration,
    geometry: _Geometry,
    qa: xr.DataArray,
) -> xr.Dataset:
    scene = assemble(granule, acquisition, bands, calibration=calibration, angles=geometry.angles, qa=qa)
    view = geometry.view
    placed: xr.Dataset = scene.assign_coords(x=("x", view.x, _axis("x")), y=("y", view.y, _axis("y"))).rio.write_crs(
        view.projection.text
    )
    return placed.assign_attrs(
        satellite_longitude=view.satellite[0], satellite_latitude=view.satellite[1], satellite_height=view.satellite[2]
    )


def _axis(name: str) -> dict[str, str]:
    return {"standard_name": f"projection_{name}_coordinate", "units": "m", "axis": name.upper()}
