"""What the swaths of polar imagers share: calibration by line, geolocation, quality, and the common layout."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import SceneError
from musyq_lab.core.quality import QA_DTYPE, SCENE_FLAG
from musyq_lab.core.sensor import Band, Calibration
from musyq_lab.sensors._calibrate import LOWEST_SUN, Planck
from musyq_lab.sensors._granule import Granule
from musyq_lab.sensors._scene import ANGLES, Acquisition, Rule, assemble, decode

NIGHT = 90.0
"""Sun zenith angle (degree) from which a pixel is marked as night."""


def by_block(function: Any, first: xr.DataArray, *others: xr.DataArray, dtype: Any, **options: Any) -> xr.DataArray:
    """Return a function of the blocks of images, lazily; one task a block, which opens fast with many bands.

    Parameters
    ----------
    function : callable
        Of the blocks and of the options; defined at the top of a module, so that tasks can be sent to workers.
    first, others : DataArray
        Dims (y, x) or, one number a line, (y,); all in the same blocks of lines.
    dtype : dtype
        Of the result.
    **options
        Further arguments.
    """
    import dask.array as da

    lines = first.chunks[0] if first.chunks else first.shape[0]
    arrays = [first.data]
    for other in others:
        data = other.data if other.ndim == 2 else da.asarray(other.data)[:, None]
        arrays.append(data if other.chunks and other.ndim == 2 else da.asarray(data).rechunk((lines, -1)))
    made = da.map_blocks(function, *arrays, dtype=dtype, meta=np.empty((0, 0), dtype), **options)
    return xr.DataArray(made, dims=("y", "x"))


def polynomial(
    raw: xr.DataArray,
    coefficients: Sequence[float | xr.DataArray],
    valid: tuple[float, float],
    *,
    over: xr.DataArray | None = None,
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
    over : DataArray, optional
        What the result is divided by (NaN where there is to be none).
    """
    lines = [c for c in coefficients if isinstance(c, xr.DataArray)]
    terms = tuple(None if isinstance(c, xr.DataArray) else float(c) for c in coefficients)
    images = [] if over is None else [over]
    return by_block(_polynomial, raw, *images, *lines, dtype=np.float32, terms=terms, valid=valid, divided=bool(images))


def _polynomial(
    raw: NDArray[Any], *more: NDArray[Any], terms: tuple[float | None, ...], valid: tuple[float, float], divided: bool
) -> NDArray[np.float32]:
    lines = list(more[1:] if divided else more)
    coefficients = [lines.pop(0) if term is None else term for term in terms]
    # In float64: a float32 product of 16-bit numbers loses the last digit of 1e-6.
    values = np.zeros(raw.shape, np.float64)
    for coefficient in reversed(coefficients):
        values *= raw
        values += coefficient
    if divided:
        values /= more[0]
    values[~((raw >= valid[0]) & (raw <= valid[1]))] = np.nan
    return values.astype(np.float32)


def temperature(radiance: xr.DataArray, planck: Planck) -> xr.DataArray:
    """Return brightness temperature (K) of radiance (W m-2 sr-1 um-1), NaN where that is not positive, lazily."""
    return by_block(_temperature, radiance, dtype=np.float32, planck=planck)


def _temperature(radiance: NDArray[Any], planck: Planck) -> NDArray[np.float32]:
    positive = np.where(radiance > 0, radiance, np.nan).astype(np.float64)
    effective = planck.k2 / np.log1p(planck.k1 / positive)
    return ((effective - planck.beta) / planck.alpha).astype(np.float32)


def decoded(raw: xr.DataArray, quantity: str, *, scale: float = 1.0, offset: float = 0.0) -> xr.DataArray:
    """Return an angle or coordinate in degrees as float32, NaN where it is impossible (a fill value), lazily.

    Longitudes are turned to -180 to 180, azimuths to 0 to 360.

    Parameters
    ----------
    raw : DataArray
        As stored.
    quantity : str
        Key of :data:`LIMITS`.
    scale, offset : float
        value = stored x scale + offset.
    """
    return by_block(_decoded, raw, dtype=np.float32, quantity=quantity, scale=scale, offset=offset)


def _decoded(raw: NDArray[Any], quantity: str, scale: float, offset: float) -> NDArray[np.float32]:
    values = raw.astype(np.float64) * scale + offset
    low, high = LIMITS[quantity]
    values[~((values >= low) & (values <= high))] = np.nan
    if quantity == "longitude":
        values[values > 180.0] -= 360.0
    elif quantity.endswith("azimuth"):
        values %= 360.0
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
    cosine: xr.DataArray
    """Of the Sun's zenith angle; NaN where the Sun is too low for reflectance."""

    @property
    def sun_zenith(self) -> xr.DataArray:
        """Zenith angle of the Sun."""
        return self.angles["sun_zenith"]


def geolocation(layers: Mapping[str, xr.DataArray]) -> Geolocation:
    """Return the geolocation of decoded layers (keys of :data:`LIMITS`)."""
    angles = {name: layers[name] for name in ANGLES if name in layers}
    lowered = by_block(_cosine, angles["sun_zenith"], dtype=np.float64)
    return Geolocation(layers["longitude"], layers["latitude"], angles, lowered)


def _cosine(zenith: NDArray[Any]) -> NDArray[np.float64]:
    return np.where(zenith < LOWEST_SUN, np.cos(np.radians(zenith, dtype=np.float64)), np.nan)


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
    # The rows of this grid alone: a role such as red may be played on another grid by another band.
    spec = replace(granule.sensor, bands=tuple(layer.band for layer in layers))
    return assemble(
        replace(granule, sensor=spec),
        acquisition,
        bands,
        calibration=calibration,
        angles=geo.angles,
        qa=_quality(layers, geo, flags),
        longitude=geo.longitude,
        latitude=geo.latitude,
    )


def _quality(
    layers: Sequence[Layer], geo: Geolocation, flags: Sequence[tuple[xr.DataArray, Sequence[Rule]]]
) -> xr.DataArray:
    """Return the quality bits, lazily: one task a block."""
    limits = tuple((*layer.valid, layer.saturation) for layer in layers)
    rules = tuple(tuple(rule) for _, rule in flags)
    images = [*(layer.raw for layer in layers), *(layer for layer, _ in flags)]
    return by_block(_bits, geo.sun_zenith, *images, dtype=QA_DTYPE, limits=limits, rules=rules)


def _bits(
    zenith: NDArray[Any],
    *images: NDArray[Any],
    limits: tuple[tuple[float, float, float], ...],
    rules: tuple[tuple[Rule, ...], ...],
) -> NDArray[np.uint16]:
    bits = (zenith >= NIGHT).astype(QA_DTYPE) * QA_DTYPE.type(SCENE_FLAG["night"].mask)
    missing = np.ones(zenith.shape, bool)
    for raw, (first, last, saturation) in zip(images, limits, strict=False):
        inside = (raw >= first) & (raw <= last)
        missing &= ~inside
        bits[inside & (raw >= saturation)] |= QA_DTYPE.type(SCENE_FLAG["saturated"].mask)
    bits[missing] |= QA_DTYPE.type(SCENE_FLAG["no_data"].mask)
    for layer, rule in zip(images[len(limits) :], rules, strict=True):
        bits |= decode(xr.DataArray(layer), rule).values
    return bits


def missing_bands(wanted: Sequence[Band], layers: Sequence[Layer]) -> dict[str, str]:
    """Return the attribute that names the bands a granule lacks, nothing where it has all."""
    have = {layer.band.name for layer in layers}
    gone = [band.name for band in wanted if band.name not in have]
    return {"bands_missing": ", ".join(gone)} if gone else {}
