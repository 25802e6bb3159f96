"""What the AVHRR formats share: scan lines as records of a fixed size, tie points along a line, the bands.

pygac (through satpy) reads a whole orbit into memory and needs orbital elements (TLE) for its angles, which do not come
with the files; the records hold geolocation, Sun and view angles and calibration, so they are read here, line by line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import SceneError
from musyq_lab.core.sensor import Band, Calibration
from musyq_lab.files.lazy import dask_array
from musyq_lab.sensors._block import part
from musyq_lab.sensors._calibrate import cosine

Floats = NDArray[np.floating[Any]]
Records = NDArray[np.void]

# Native band -> name, and by whose response: centroid (um), width (um), E0 (W m-2 um-1).
_NAMES = {"1": "red", "2": "nir", "3a": "swir1", "3b": "mir", "4": "tir1", "5": "tir2"}
_SOLAR = {
    "NOAA-18": {
        "1": (0.6366, 0.0901, 1631.8),
        "2": (0.8599, 0.2627, 996.8),
        "3a": (1.6071, 0.0597, 239.4),
    },
    "NOAA-19": {
        "1": (0.6373, 0.0899, 1628.2),
        "2": (0.8439, 0.2378, 1031.7),
        "3a": (1.6102, 0.0464, 238.7),
    },
    "Metop-B": {
        "1": (0.6336, 0.0926, 1641.5),
        "2": (0.8548, 0.2654, 1008.7),
        "3a": (1.6080, 0.0529, 239.3),
    },
}
_THERMAL = {"3b": (3.7190, 0.3203), "4": (10.9240, 1.0492), "5": (11.9891, 0.9715)}  # NOAA-16
_NEDT = 0.12  # K at 300 K as specified: NOAA KLM User's Guide, table 3.1-1
_RESPONSE_OF = {
    "NOAA-15": "NOAA-18",
    "NOAA-16": "NOAA-18",
    "NOAA-17": "NOAA-18",
    "Metop-A": "Metop-B",
    "Metop-C": "Metop-B",
}

RESPONSE_QUIRK = (
    "Band limits are measured for NOAA-18, NOAA-19 and Metop-B (channels 1 to 3a) and NOAA-16 (3b to 5); the rows of "
    "the other satellites repeat the nearest of them. Calibration uses the file's own irradiance and wavenumbers."
)
SWITCH_QUIRK = "Channels 3a (swir1) and 3b (mir) share a wire: each line holds one of them, the other is missing there."
CALIBRATION_QUIRK = (
    "Channels 1 to 3a use the operational coefficients of the day of processing, which fall behind the sensor's ageing "
    "between updates; long series should be calibrated again."
)
SUN_QUIRK = "Reflectance is corrected for the distance to the Sun, which neither the albedo in the file nor satpy's is."


def bands(resolution: float, platforms: Iterable[str]) -> tuple[Band, ...]:
    """Return the bands' rows for some satellites.

    Parameters
    ----------
    resolution : float
        At nadir (m).
    platforms : iterable of str
        Variants.
    """
    rows = []
    for platform in platforms:
        solar = _SOLAR[_RESPONSE_OF.get(platform, platform)]
        rows += [Band(_NAMES[n], n, c, w, resolution, e, variant=platform) for n, (c, w, e) in solar.items()]
        rows += [Band(_NAMES[n], n, c, w, resolution, nedt=_NEDT, variant=platform) for n, (c, w) in _THERMAL.items()]
    return tuple(rows)


@dataclass(frozen=True)
class Scan:
    """A run of records of one size in a file, one a line."""

    path: str
    """File."""
    offset: int
    """Of the first record (bytes)."""
    record: np.dtype[Any]
    """Of one record; its itemsize is the distance to the next."""
    lines: int
    """Number of records."""
    columns: int
    """Samples of a line."""

    def read(self, rows: range) -> Records:
        """Return some records.

        Raises
        ------
        SceneError
            If the file is shorter than it was.
        """
        start = self.offset + rows.start * self.record.itemsize
        with Path(self.path).open("rb") as file:
            file.seek(start)
            raw = file.read(len(rows) * self.record.itemsize)
        if len(raw) != len(rows) * self.record.itemsize:
            raise SceneError(f"{self.path} is cut off: lines {rows.start} to {rows.stop} are missing. Fetch it again.")
        return np.frombuffer(raw, self.record)

    def layer(self, decode: Callable[[Records], NDArray[Any]], dtype: Any) -> xr.DataArray:
        """Return what a function makes of each record, lazily, dims (y, x).

        Parameters
        ----------
        decode : callable
            Records -> array (lines, columns); picklable.
        dtype : dtype
            Of the array.
        """
        lines = max(1, min(self.lines, _BLOCK // (self.columns * 4)))
        read = Layer(self, decode, np.dtype(dtype))
        return xr.DataArray(dask_array(read, (lines, self.columns), [self.path], "avhrr"), dims=("y", "x"))


_BLOCK = 2 * 2**20  # bytes of a block as float32; its records, unpacked, take twenty times that


@dataclass(frozen=True)
class Layer:
    """Array-like of what a function makes of each record."""

    scan: Scan
    """Where the records lie."""
    decode: Callable[[Records], NDArray[Any]]
    """Records -> array (lines, columns)."""
    dtype: np.dtype[Any]
    """Of the array."""

    ndim = 2

    @property
    def shape(self) -> tuple[int, int]:
        """Lines, columns."""
        return self.scan.lines, self.scan.columns

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Read and decode a part."""
        wanted = part(key, self.shape)
        made = self.decode(self.scan.read(wanted.rows))[:, wanted.columns.start : wanted.columns.stop]
        return wanted.take(np.asarray(made, self.dtype))


@dataclass(frozen=True)
class Direction:
    """One component of directions given at tie points of each line, interpolated along it.

    Positions and angles are interpolated as directions in space: no jump at the date line, the pole or nadir.
    """

    vectors: Callable[[Records], Floats]
    """Records -> unit vectors (3, lines, tie points)."""
    ties: tuple[float, ...]
    """Columns of the tie points."""
    columns: int
    """Samples of a line."""
    wanted: str
    """``"longitude"``, ``"latitude"``, ``"zenith"`` or ``"azimuth"``."""
    points: int = 4
    """See :func:`along`."""

    def __call__(self, records: Records) -> Floats:
        """Return degrees (lines, columns)."""
        first, second, third = along(self.vectors(records), self.ties, self.columns, self.points)
        if self.wanted == "longitude":
            return np.asarray(np.degrees(np.arctan2(second, first)))
        if self.wanted == "latitude":
            return np.asarray(np.degrees(np.arctan2(third, np.hypot(first, second))))
        if self.wanted == "zenith":
            return np.asarray(np.degrees(np.arctan2(np.hypot(first, second), third)))
        return np.asarray(np.degrees(np.arctan2(first, second)) % 360.0)


def along(values: Floats, ties: tuple[float, ...], columns: int, points: int) -> Floats:
    """Return values at every column from those at tie points (last axis) by Lagrange interpolation.

    Parameters
    ----------
    values : array, shape (..., tie points)
        At the tie points.
    ties : tuple of float
        Columns of the tie points.
    columns : int
        Samples of a line.
    points : int
        Tie points that a column is interpolated from. Six for places: a line is curved on the ground, linear
        interpolation over 8 GAC samples errs by kilometres at the edge of the swath, and up to 4.5 samples lie beyond
        the last tie point. Four for angles: they are stored to 0.01 degree, and more would magnify that.
    """
    index, weight = _weights(ties, columns, points)
    made: Floats = values[..., index[0]] * weight[0]
    for place, share in zip(index[1:], weight[1:], strict=True):  # a sum in fixed order: the same in blocks of any size
        made = made + values[..., place] * share
    return made


@lru_cache(maxsize=8)
def _weights(ties: tuple[float, ...], columns: int, points: int) -> tuple[NDArray[np.intp], Floats]:
    places, column = np.asarray(ties), np.arange(columns)
    behind = np.searchsorted(places, column, side="right") - points // 2
    first = np.clip(behind, 0, len(ties) - points)
    index = first + np.arange(points)[:, None]
    weight = np.ones((points, columns))
    for i in range(points):
        for j in range(points):
            if i != j:
                weight[i] *= (column - places[index[j]]) / (places[index[i]] - places[index[j]])
    return index, weight


def on_sphere(longitude: Floats, latitude: Floats) -> Floats:
    """Return unit vectors from longitude and latitude (degree); NaN where they are none."""
    lon, lat = np.radians(longitude), np.radians(latitude)
    vectors = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    outside = (np.abs(latitude) > 90.0) | (np.abs(longitude) > 180.0)
    return np.where(outside, np.nan, vectors)


def directions(zenith: Floats, azimuth: Floats) -> Floats:
    """Return unit vectors (east, north, up) along a first axis from zenith angle and azimuth (degree)."""
    theta, phi = np.radians(zenith), np.radians(azimuth)
    return np.stack([np.sin(theta) * np.sin(phi), np.sin(theta) * np.cos(phi), np.cos(theta)])


def bearing(longitude: Floats, latitude: Floats, to_longitude: Floats, to_latitude: Floats) -> Floats:
    """Return the direction on the sphere from one place to another (degree, clockwise from north)."""
    lat, other, turn = np.radians(latitude), np.radians(to_latitude), np.radians(to_longitude - longitude)
    east = np.sin(turn) * np.cos(other)
    north = np.cos(lat) * np.sin(other) - np.sin(lat) * np.cos(other) * np.cos(turn)
    return np.asarray(np.degrees(np.arctan2(east, north)) % 360.0)


_QUANTITIES = {
    "radiance": {"units": "W m-2 sr-1 um-1", "standard_name": "toa_outgoing_radiance_per_unit_wavelength"},
    "temperature": {"units": "K", "standard_name": "toa_brightness_temperature"},
    "reflectance": {"units": "1", "standard_name": "toa_bidirectional_reflectance"},
}


def physical(
    scan: Scan,
    rows: Sequence[Band],
    calibration: Calibration,
    zenith: xr.DataArray,
    decoder: Callable[[Band], Callable[[Records], Floats]],
) -> dict[str, xr.DataArray]:
    """Return the bands by name, as they were asked for.

    Parameters
    ----------
    scan : Scan
        Where the lines are.
    rows : sequence of Band
        Bands.
    calibration : {"radiance", "reflectance"}
        What to make.
    zenith : DataArray
        Zenith angle of the Sun (degree).
    decoder : callable
        Band -> records to radiance (W m-2 sr-1 um-1), temperature (K), or reflectance before the division by the
        cosine of the Sun's zenith angle.
    """
    made: dict[str, xr.DataArray] = {}
    cos = cosine(zenith)
    for band in rows:
        data = scan.layer(decoder(band), np.float32)
        quantity = "temperature" if band.thermal and calibration == "reflectance" else calibration
        if quantity == "reflectance":
            data = (data / cos).astype(np.float32)
        made[band.name] = data.assign_attrs(_QUANTITIES[quantity])
    return made


_C1 = 1.191042972e-5  # 2 h c^2, mW m-2 sr-1 (cm-1)-4
_C2 = 1.438776877  # h c / k, K cm; both exact values of the SI (2019)


@dataclass(frozen=True, slots=True)
class ThermalBand:
    """Constants of a thermal channel as a header gives them."""

    wavenumber: float
    """Central wavenumber (cm-1)."""
    constant: float
    """Of the band correction (K)."""
    slope: float
    """Of the band correction (1)."""

    def temperature(self, radiance: Floats) -> Floats:
        """Return brightness temperature (K) from radiance (mW m-2 sr-1 (cm-1)-1).

        Headers give either T = constant + slope T* (EPS) or T* = constant + slope T (NOAA KLM User's Guide, 7.1.2.4),
        with T* the temperature at the central wavenumber. T* rises more slowly than T in all three channels, so a slope
        below 1 is the second.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            positive = np.where(radiance > 0, radiance, np.nan)
            effective = _C2 * self.wavenumber / np.log1p(_C1 * self.wavenumber**3 / positive)
        if self.slope < 1.0:
            return (effective - self.constant) / self.slope
        return self.constant + self.slope * effective

    @property
    def unit(self) -> float:
        """One mW m-2 sr-1 (cm-1)-1 in W m-2 sr-1 um-1."""
        return 1e-7 * self.wavenumber**2  # dnu = 1e-4 nu^2 dlambda (cm-1, um), and mW to W

    @property
    def usable(self) -> bool:
        """Whether the numbers are those of an AVHRR channel."""
        return 700.0 < self.wavenumber < 3000.0 and 0.9 < self.slope < 1.1 and abs(self.constant) < 10.0


_WAVENUMBER_SCALE = (1e-2, 1e-3, 1e-3)


def constants(
    solar: NDArray[np.integer[Any]], thermal: NDArray[np.integer[Any]]
) -> tuple[tuple[tuple[float, float], ...], tuple[ThermalBand, ...]] | None:
    """Return irradiance (W m-2) and width (um) of channels 1, 2 and 3a, and the constants of 3b, 4 and 5.

    Parameters
    ----------
    solar : array of int, shape (3, 2)
        Irradiance (0.1 W m-2), width (0.001 um).
    thermal : array of int, shape (3, 3)
        Wavenumber (0.01 cm-1, then 0.001 cm-1 twice), constant (1e-5 K), slope (1e-6).

    Returns
    -------
    tuple of tuple, or None
        None where they are none of an AVHRR.
    """
    warm = tuple(
        ThermalBand(float(n) * scale, float(a) * 1e-5, float(b) * 1e-6)
        for (n, a, b), scale in zip(thermal, _WAVENUMBER_SCALE, strict=True)
    )
    if not all(band.usable for band in warm) or not (solar > 0).all():
        return None
    return tuple((float(f) * 1e-1, float(w) * 1e-3) for f, w in solar), warm
