r"""Counts to radiance, reflectance or brightness temperature, lazily and the same for every sensor.

A sensor says what its file says (:class:`Counts`); the arithmetic is here, once:

.. math:: L = g\,c + o, \qquad \rho = \frac{g_\rho c + o_\rho}{\cos\theta_s}
          \text{ or } \frac{\pi L d^2}{E_0 \cos\theta_s}, \qquad T = \frac{K_2 / \ln(K_1 / L + 1) - \beta}{\alpha}
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import SceneError
from musyq_lab.core.sensor import Band, Calibration
from musyq_lab.kernels.radiometry import brightness_temperature, linear, planck_constants

LOWEST_SUN = 88.0
"""Sun zenith angle (degree) beyond which there is no reflectance: the division by its cosine is noise."""


class Linear(NamedTuple):
    """value = gain x counts + offset."""

    gain: float
    offset: float = 0.0


class Planck(NamedTuple):
    """Radiance (W m-2 sr-1 um-1) to brightness temperature (K)."""

    k1: float
    k2: float
    alpha: float = 1.0
    beta: float = 0.0


@dataclass(frozen=True, slots=True)
class Illumination:
    """The Sun over a scene."""

    zenith: xr.DataArray | float
    """Zenith angle (degree), of the scene or of each pixel."""
    distance: float
    """Distance (AU)."""


@dataclass(frozen=True, slots=True)
class Counts:
    """The stored numbers of one band and what makes them physical."""

    band: Band
    """The band's row in the sensor's spec."""
    data: xr.DataArray
    """Stored numbers, lazy, dims (y, x)."""
    fills: tuple[float, ...] = ()
    """Stored numbers that mean no data."""
    valid: tuple[float, float] = (-math.inf, math.inf)
    """Stored numbers outside are no data either."""
    saturation: float = math.inf
    """Stored numbers from here on are saturated (a value, but no measurement)."""
    radiance: Linear | None = None
    """To radiance (W m-2 sr-1 um-1)."""
    reflectance: Linear | None = None
    """To reflectance, before the division by the cosine of the Sun's zenith angle unless ``normalised``."""
    normalised: bool = False
    """Whether ``reflectance`` is a reflectance factor already (Sentinel-2, surface products)."""
    planck: Planck | None = None
    """Constants of a thermal band; those of its centre wavelength where the producer gives none."""

    def missing(self) -> xr.DataArray:
        """Return where there is no data, lazily."""
        return self._map(_missing, bool, self.fills, self.valid)

    def saturated(self) -> xr.DataArray:
        """Return where the band is saturated, lazily."""
        return self._map(np.greater_equal, bool, self.saturation) & ~self.missing()

    def linear(self, line: Linear) -> xr.DataArray:
        """Return gain x counts + offset as float32, NaN where there is no data."""
        return self._map(_linear, np.float32, line, self.fills, self.valid)

    def _map(self, function: Any, dtype: Any, *arguments: Any) -> xr.DataArray:
        bound = _Bound(function, arguments)
        made: xr.DataArray = xr.apply_ufunc(bound, self.data, dask="parallelized", output_dtypes=[dtype])
        return made.drop_attrs(deep=False)


@dataclass(frozen=True, slots=True)
class _Bound:
    """A function of a block with its further arguments; tokenises by value, so that names of tasks are stable."""

    function: Any
    arguments: tuple[Any, ...]

    @property
    def __name__(self) -> str:
        # Short, for dask: it cuts the names of joined tasks at 115 letters, and with them what tells two bands apart.
        return str(self.function.__name__).strip("_")

    def __call__(self, block: NDArray[Any]) -> NDArray[Any]:
        result: NDArray[Any] = self.function(block, *self.arguments)
        return result


def _missing(raw: NDArray[Any], fills: tuple[float, ...], valid: tuple[float, float]) -> NDArray[np.bool_]:
    gone = np.isnan(raw) if raw.dtype.kind == "f" else np.zeros(raw.shape, bool)
    for fill in fills:
        gone |= raw == fill
    if math.isfinite(valid[0]):
        gone |= raw < valid[0]
    if math.isfinite(valid[1]):
        gone |= raw > valid[1]
    return gone


def _linear(
    raw: NDArray[Any], line: Linear, fills: tuple[float, ...], valid: tuple[float, float]
) -> NDArray[np.float32]:
    if raw.dtype.kind in "iu" and raw.dtype.itemsize <= 2 and raw.ndim and len(fills) <= 1:
        low, high = (float(np.clip(limit, -1e9, 1e9)) for limit in valid)
        return linear(raw, line.gain, line.offset, low, high, fills[0] if fills else math.nan)
    # Rare: wide counts, or several fill values. In float64, since their product does not fit into single precision.
    values = np.multiply(raw, line.gain, dtype=np.float64)
    values += line.offset
    values[_missing(raw, fills, valid)] = np.nan
    return np.asarray(values, np.float32)


def physical(counts: Counts, calibration: Calibration, sun: Illumination | None, *, level: str = "toa") -> xr.DataArray:
    """Return a band as it was asked for, with units and standard name.

    Parameters
    ----------
    counts : Counts
        The band.
    calibration : {"counts", "radiance", "reflectance"}
        ``"reflectance"`` makes brightness temperature of a thermal band.
    sun : Illumination or None
        Needed for reflectance from radiance and the other way round.
    level : {"toa", "surface"}
        Where reflectance and temperature hold, for their names.

    Raises
    ------
    SceneError
        If the file and the spec lack what that needs.
    """
    if calibration == "counts":
        return counts.data.drop_attrs(deep=False).assign_attrs(**_fill_attributes(counts), units="count")
    if calibration == "radiance":
        return _radiance(counts, sun).assign_attrs(units="W m-2 sr-1 um-1", standard_name=_RADIANCE)
    if counts.band.thermal:
        return _temperature(counts).assign_attrs(units="K", standard_name=f"{level}_brightness_temperature")
    return _reflectance(counts, sun).assign_attrs(units="1", standard_name=f"{level}_bidirectional_reflectance")


_RADIANCE = "toa_outgoing_radiance_per_unit_wavelength"


def _fill_attributes(counts: Counts) -> dict[str, Any]:
    """Return the fill values as an attribute that nothing decodes: counts stay what is stored."""
    return {"fill_values": list(counts.fills)} if counts.fills else {}


def _radiance(counts: Counts, sun: Illumination | None) -> xr.DataArray:
    if counts.radiance is not None:
        return counts.linear(counts.radiance)
    e0 = counts.band.e0
    if counts.reflectance is None or e0 is None or sun is None:
        raise SceneError(
            f"Band {counts.band.native} has no radiance: its file gives "
            f"{'reflectance' if counts.reflectance else 'counts'} and no solar irradiance is known for it."
        )
    factor = e0 / (math.pi * sun.distance**2)
    values = counts.linear(Linear(counts.reflectance.gain * factor, counts.reflectance.offset * factor))
    if not counts.normalised:
        return values
    darkened: xr.DataArray = (values * cosine(sun.zenith)).astype(np.float32)
    return darkened


def _reflectance(counts: Counts, sun: Illumination | None) -> xr.DataArray:
    if counts.reflectance is not None and counts.normalised:
        return counts.linear(counts.reflectance)
    if sun is None:
        raise SceneError(f"Band {counts.band.native} needs the Sun's zenith angle for reflectance, which is missing.")
    line = counts.reflectance or _reflectance_of_radiance(counts, sun)
    if isinstance(sun.zenith, xr.DataArray) and sun.zenith.ndim:
        made: xr.DataArray = (counts.linear(line) / cosine(sun.zenith)).astype(np.float32)
        return made
    factor = float(cosine(sun.zenith))
    return counts.linear(Linear(line.gain / factor, line.offset / factor))


def _reflectance_of_radiance(counts: Counts, sun: Illumination) -> Linear:
    if counts.radiance is None or counts.band.e0 is None:
        raise SceneError(
            f"Band {counts.band.native} has no reflectance: neither its file nor the sensor's spec holds the gain and "
            'solar irradiance it needs. Open it with calibration="radiance" or "counts".'
        )
    factor = math.pi * sun.distance**2 / counts.band.e0
    return Linear(counts.radiance.gain * factor, counts.radiance.offset * factor)


def cosine(zenith: xr.DataArray | float) -> Any:
    """Return the cosine of the Sun's zenith angle (degree), NaN beyond :data:`LOWEST_SUN`."""
    if isinstance(zenith, xr.DataArray):
        cos: Any = np.cos(np.radians(zenith))
        return cos.where(zenith < LOWEST_SUN).drop_attrs(deep=False)
    return math.cos(math.radians(zenith)) if zenith < LOWEST_SUN else math.nan


def _temperature(counts: Counts) -> xr.DataArray:
    if counts.radiance is None:
        raise SceneError(f"Band {counts.band.native} has no gain for radiance, so there is no brightness temperature.")
    planck = counts.planck or Planck(*planck_constants(counts.band.centre))
    radiance = counts.linear(counts.radiance)
    bound = _Bound(_inverse_planck, (planck,))
    made: xr.DataArray = xr.apply_ufunc(bound, radiance, dask="parallelized", output_dtypes=[np.float32])
    return made.drop_attrs(deep=False)


def _inverse_planck(radiance: NDArray[Any], planck: Planck) -> NDArray[np.float32]:
    return brightness_temperature(np.asarray(radiance, np.float32), *planck)
