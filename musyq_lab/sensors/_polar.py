"""What the swaths of polar imagers in HDF5 share: lazy planes, calibration by line, geolocation and quality.

satpy reads these formats too. Its file handlers keep open HDF5 files inside the arrays they return, so these cannot be
pickled or sent to a worker, and nothing checks a file before it is opened; here files are opened inside the tasks,
after :func:`musyq_lab.files.safety.check_hdf5`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import SceneError
from musyq_lab.core.quality import QA_DTYPE, SCENE_FLAG
from musyq_lab.core.sensor import Band, Calibration
from musyq_lab.files.lazy import dask_array
from musyq_lab.files.safety import check_hdf5, damage, opened
from musyq_lab.files.stored import attributes
from musyq_lab.sensors._calibrate import Counts, Planck, cosine
from musyq_lab.sensors._granule import Granule
from musyq_lab.sensors._scene import Acquisition, Rule, assemble, quality

ROWS = 640
"""Lines of a block: whole scans of 10, 16, 32 and 40 lines (21 MB as float32 at 8192 columns)."""

MAX_TABLE = 4_000_000
"""Most values of a table that is read when a granule is opened (gains by line, coefficients)."""

NIGHT = 90.0
"""Sun zenith angle (degree) from which a pixel is marked as night."""


@dataclass(frozen=True)
class Plane:
    """One image of a dataset of an HDF5 file, as dask wants it: picklable, no open file."""

    path: str
    """File."""
    name: str
    """Dataset."""
    index: int | None
    """Which image along the first axis of a three-dimensional dataset."""
    shape: tuple[int, int]
    """Lines, columns."""
    dtype: np.dtype[Any]
    """Stored type, in the byte order of the machine."""

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return 2

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Read a part; a damaged block is an error that names the file."""
        check_hdf5(self.path)
        rows, columns = key if isinstance(key, tuple) else (key, slice(None))
        with opened(self.path) as file, damage(self.path):
            dataset = file[self.name]
            if dataset.shape[-2:] != self.shape:
                raise SceneError(f"{self.path} was changed after it was opened: {self.name} has shape {dataset.shape}.")
            part = dataset[rows, columns] if self.index is None else dataset[self.index, rows, columns]
        return np.asarray(part, self.dtype)


def plane(path: Path, name: str, index: int | None = None) -> xr.DataArray:
    """Return an image as it is stored, lazily, dims (y, x), with the attributes of its dataset.

    Parameters
    ----------
    path : pathlib.Path
        HDF5 file; it is checked first.
    name : str
        Dataset.
    index : int, optional
        Which image of a three-dimensional dataset.

    Raises
    ------
    ArchiveError
        If the file is damaged or hostile.
    SceneError
        If it has no such image.
    """
    check_hdf5(path)
    with opened(path) as file, damage(path):
        dataset = file.get(name)
        wanted = 2 if index is None else 3
        if dataset is None or getattr(dataset, "ndim", 0) != wanted or (index or 0) >= dataset.shape[0]:
            raise SceneError(f"{path} holds no image {name!r}{'' if index is None else f' number {index}'}.")
        shape, dtype, attrs = dataset.shape[-2:], dataset.dtype.newbyteorder("="), attributes(dataset)
    if dtype.kind not in "uif" or 0 in shape:
        raise SceneError(f"{path}: {name!r} is no image of numbers (shape {shape}, type {dtype}). The file is damaged.")
    layer = Plane(str(path), name, index, shape, dtype)
    data = dask_array(layer, (min(ROWS, shape[0]), shape[1]), (str(path),), name.rpartition("/")[2])
    return xr.DataArray(data, dims=("y", "x"), attrs=attrs)


def table(path: Path, name: str) -> NDArray[np.float64]:
    """Return a small dataset in full, such as gains by line.

    Raises
    ------
    SceneError
        If the file has none of that name, or it is no small table of numbers.
    """
    check_hdf5(path)
    with opened(path) as file, damage(path):
        dataset = file.get(name)
        if dataset is None or getattr(dataset, "shape", None) is None:
            raise SceneError(f"{path} lacks the table {name!r}, which calibrates its bands. The file is damaged.")
        if dataset.size > MAX_TABLE or dataset.dtype.kind not in "uif":
            raise SceneError(f"{path}: {name!r} is no table of numbers ({dataset.size} values, {dataset.dtype}).")
        return np.asarray(dataset[()], np.float64)


def metadata(path: Path, name: str = "/") -> dict[str, Any]:
    """Return the attributes of a file, group or dataset; nothing where it does not exist."""
    check_hdf5(path)
    with opened(path) as file, damage(path):
        target = file.get(name)
        return {} if target is None else attributes(target)


def members(path: Path, name: str = "/") -> tuple[str, ...]:
    """Return the names inside a group; nothing where it does not exist."""
    check_hdf5(path)
    with opened(path) as file, damage(path):
        target = file.get(name)
        return tuple(target) if hasattr(target, "keys") else ()


def polynomial(
    raw: xr.DataArray, coefficients: Sequence[float | xr.DataArray], valid: tuple[float, float]
) -> xr.DataArray:
    """Return c0 + c1 n + c2 n^2 ... of stored numbers n as float32, NaN outside the valid ones, lazily.

    Parameters
    ----------
    raw : DataArray
        Stored numbers, dims (y, x).
    coefficients : sequence of float or DataArray with dims (y,)
        From the constant upwards; one number for the image, or one a line.
    valid : tuple of float
        First and last stored number that is a measurement.
    """
    made: xr.DataArray = xr.apply_ufunc(
        _polynomial,
        raw,
        *(by_line(c, raw) for c in coefficients),
        kwargs={"valid": valid},
        dask="parallelized",
        output_dtypes=[np.float32],
    )
    return made.drop_attrs()


def by_line(value: float | xr.DataArray, raw: xr.DataArray) -> Any:
    """Return a number as it is, numbers by line in the blocks of an image."""
    return value.chunk(y=raw.chunksizes["y"]) if isinstance(value, xr.DataArray) and raw.chunks else value


def _polynomial(raw: NDArray[Any], *coefficients: Any, valid: tuple[float, float]) -> NDArray[np.float32]:
    # In float64: a float32 product of 16-bit numbers loses the last digit of 1e-6.
    values = np.zeros(raw.shape, np.float64)
    for coefficient in reversed(coefficients):
        values = values * raw + coefficient
    values[~((raw >= valid[0]) & (raw <= valid[1]))] = np.nan
    return values.astype(np.float32)


def temperature(radiance: xr.DataArray, planck: Planck) -> xr.DataArray:
    """Return brightness temperature (K) of radiance (W m-2 sr-1 um-1), NaN where that is not positive, lazily."""
    made: xr.DataArray = xr.apply_ufunc(
        _temperature, radiance, kwargs={"planck": planck}, dask="parallelized", output_dtypes=[np.float32]
    )
    return made.drop_attrs()


def _temperature(radiance: NDArray[Any], planck: Planck) -> NDArray[np.float32]:
    positive = np.where(radiance > 0, radiance, np.nan).astype(np.float64)
    effective = planck.k2 / np.log1p(planck.k1 / positive)
    return ((effective - planck.beta) / planck.alpha).astype(np.float32)


def decoded(raw: xr.DataArray, *, limits: tuple[float, float], scale: float = 1.0, offset: float = 0.0) -> xr.DataArray:
    """Return an angle or coordinate in degrees as float32, NaN outside its limits (degree), lazily."""
    made: xr.DataArray = xr.apply_ufunc(
        _decoded,
        raw,
        kwargs={"scale": scale, "offset": offset, "limits": limits},
        dask="parallelized",
        output_dtypes=[np.float32],
    )
    return made.drop_attrs()


def _decoded(raw: NDArray[Any], scale: float, offset: float, limits: tuple[float, float]) -> NDArray[np.float32]:
    values = raw.astype(np.float64) * scale + offset
    values[~((values >= limits[0]) & (values <= limits[1]))] = np.nan
    return values.astype(np.float32)


LIMITS = {
    "longitude": (-180.0, 360.0),
    "latitude": (-90.0, 90.0),
    "sun_zenith": (0.0, 180.0),
    "sun_azimuth": (-180.0, 360.0),
    "view_zenith": (0.0, 90.0),
    "view_azimuth": (-180.0, 360.0),
}
"""Quantity -> possible values (degree); a fill value lies outside."""


@dataclass(frozen=True, slots=True)
class Geolocation:
    """Where each pixel lies and how it is lit and seen; everything lazy, dims (y, x), degrees."""

    longitude: xr.DataArray
    """-180 to 180."""
    latitude: xr.DataArray
    """-90 to 90."""
    angles: Mapping[str, xr.DataArray]
    """Names of :data:`musyq_lab.sensors._scene.ANGLES`; azimuths from 0 to 360."""

    @property
    def sun_zenith(self) -> xr.DataArray:
        """Zenith angle of the Sun."""
        return self.angles["sun_zenith"]


def geolocation(layers: Mapping[str, xr.DataArray]) -> Geolocation:
    """Return the geolocation of decoded layers (keys of :data:`LIMITS`), longitude and azimuths turned to one turn."""
    turned = {
        name: (values % 360.0).astype(np.float32) if name.endswith("azimuth") else values
        for name, values in layers.items()
    }
    longitude = turned.pop("longitude")
    east = longitude.where(longitude <= 180.0, longitude - 360.0).astype(np.float32)
    return Geolocation(east.drop_attrs(), turned.pop("latitude"), turned)


def same_shape(geo: Geolocation, raw: xr.DataArray, granule: Granule, what: str) -> None:
    """Refuse a geolocation that does not belong to the bands.

    Raises
    ------
    SceneError
        If its shape differs.
    """
    for layer in (geo.latitude, geo.longitude, *geo.angles.values()):
        if layer.shape != raw.shape:
            raise SceneError(
                f"{granule.path}: the bands of {granule.name} have {raw.shape[0]} x {raw.shape[1]} pixels, {what} "
                f"{layer.shape[0]} x {layer.shape[1]}. They are of different granules or grids, or one is cut short."
            )


@dataclass(frozen=True, slots=True)
class Layer:
    """One band as it is stored, and as it was asked for."""

    band: Band
    """Row of the spec."""
    raw: xr.DataArray
    """Stored numbers."""
    values: xr.DataArray
    """What was asked for, without attributes."""
    valid: tuple[float, float]
    """First and last stored number that is a measurement."""
    saturation: float = math.inf
    """Stored number from which it is saturated."""
    attributes: Mapping[str, Any] | None = None
    """Further attributes, such as the solar irradiance of the file."""


_UNITS: dict[tuple[str, bool], tuple[str, str]] = {
    ("counts", False): ("count", ""),
    ("counts", True): ("count", ""),
    ("radiance", False): ("W m-2 sr-1 um-1", "toa_outgoing_radiance_per_unit_wavelength"),
    ("radiance", True): ("W m-2 sr-1 um-1", "toa_outgoing_radiance_per_unit_wavelength"),
    ("reflectance", False): ("1", "toa_bidirectional_reflectance"),
    ("reflectance", True): ("K", "toa_brightness_temperature"),
}


def scene(
    granule: Granule,
    acquisition: Acquisition,
    layers: Sequence[Layer],
    geo: Geolocation,
    *,
    calibration: Calibration,
    flags: Sequence[tuple[xr.DataArray, Sequence[Rule]]] = (),
) -> xr.Dataset:
    """Return a swath in the common layout.

    Parameters
    ----------
    granule : Granule
        The files.
    acquisition : Acquisition
        Platform and times.
    layers : sequence of Layer
        Bands.
    geo : Geolocation
        Of the same grid.
    calibration : {"counts", "radiance", "reflectance"}
        What the layers' values are.
    flags : sequence of (DataArray, sequence of Rule)
        Quality layers of the producer and how to read them.
    """
    bands: dict[str, xr.DataArray] = {}
    for layer in layers:
        units, standard = _UNITS[calibration, layer.band.thermal]
        attrs = {"units": units, **({"standard_name": standard} if standard else {}), **(layer.attributes or {})}
        if calibration == "counts":
            attrs["valid_counts"] = [limit for limit in layer.valid if math.isfinite(limit)]
        bands[layer.band.name] = layer.values.drop_attrs().assign_attrs(attrs)
    counts = [Counts(item.band, item.raw, valid=item.valid, saturation=item.saturation) for item in layers]
    dark = (geo.sun_zenith >= NIGHT).astype(QA_DTYPE) * QA_DTYPE.type(SCENE_FLAG["night"].mask)
    return assemble(
        granule,
        acquisition,
        bands,
        calibration=calibration,
        angles=geo.angles,
        qa=quality(counts, flags) | dark,
        longitude=geo.longitude,
        latitude=geo.latitude,
    )


def sunlit(values: xr.DataArray, geo: Geolocation) -> xr.DataArray:
    """Return values divided by the cosine of the Sun's zenith angle, NaN where the Sun is too low."""
    made: xr.DataArray = (values / cosine(geo.sun_zenith)).astype(np.float32)
    return made


def missing_bands(wanted: Sequence[Band], layers: Sequence[Layer]) -> dict[str, str]:
    """Return the attribute that names the bands a granule lacks, nothing where it has all."""
    have = {layer.band.name for layer in layers}
    gone = [band.name for band in wanted if band.name not in have]
    return {"bands_missing": ", ".join(gone)} if gone else {}
