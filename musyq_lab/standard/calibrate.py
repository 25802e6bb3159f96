r"""Radiometric updates as data, and what noise and calibration leave open.

A scene comes calibrated by the coefficients of its files. Updates found later act on its reflectance,

.. math:: \rho' = g\,\rho + o

from a table of rows with sensor, platform, band, dates, gain g, offset o and source; none is applied that the caller
did not ask for. What remains uncertain is kept in two parts, since they average differently:

- ``reflectance_random``, independent from pixel to pixel: photon noise,
  :math:`\sigma = \sqrt{\rho\,\rho_r} / \mathrm{SNR}`, with the signal-to-noise ratio of the sensor's specification
  taken to hold at :math:`\rho_r` = 0.1 (specifications give it at radiances that differ from band to band);
- ``reflectance_systematic``, common to a scene: the absolute calibration, relative to the value.

>>> from musyq_lab.standard import calibrate
>>> float(calibrate.sun_distance("2020-07-04").round(3))
1.017
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from musyq_lab.core.errors import InputError
from musyq_lab.core.sensor import Band
from musyq_lab.kernels.solar import sun_position
from musyq_lab.sensors._registry import SENSORS
from musyq_lab.sensors._response import band_average, response
from musyq_lab.standard import layout
from musyq_lab.standard._calibrate_tables import uncertainty_of, update_of, updates
from musyq_lab.standard.spectra import sunlight

REFERENCE = 0.1
"""Reflectance at which the signal-to-noise ratio is taken to hold."""
SNR = 200.0
"""Signal-to-noise ratio assumed where the sensor's row has none: a common value of land bands, not a specification."""
NEDT = 0.1
"""Noise-equivalent temperature difference (K) assumed where the sensor's row has none."""


class _Row(NamedTuple):
    """What is known of one band."""

    gain: float
    offset: float
    systematic: float
    snr: float
    words: str


def recalibrate(
    scene: xr.Dataset,
    *,
    table: Literal["shipped"] | str | Path | pd.DataFrame | None = None,
    uncertainty: bool = True,
) -> xr.Dataset:
    """Apply calibration updates and add radiometric uncertainties, lazily.

    Parameters
    ----------
    scene : Dataset
        Standard scene with reflectance at the top of the atmosphere.
    table : "shipped", str, path or DataFrame, optional
        Updates: those that ship (``catalogs/calibration/updates.csv``), a CSV file or the rows themselves with the
        columns sensor, platform, band, from, to, gain, offset, uncertainty (relative, one sigma), source. Empty
        platform: all; a row holds from the first date up to, not including, the second; empty dates: always. None
        applies no update.
    uncertainty : bool
        Whether the uncertainties are added.

    Returns
    -------
    Dataset
        With ``reflectance_random`` and ``reflectance_systematic`` (one sigma, like the reflectance) and, for scenes
        with thermal bands, ``brightness_temperature_random`` (K, by thermal band). Uncertainties that the scene carries
        are scaled with the gain and combined with these in quadrature. The attribute ``calibration_sources`` says what
        the numbers come from, band by band.

    Raises
    ------
    InputError
        If the scene or the table cannot be used as given.

    Notes
    -----
    The uncertainty of an update stands for that of the calibration it replaces. Where the granule says that tables of
    coefficients disagree (attribute ``calibration_spread``, relative, of Gaofen scenes), a uniform distribution of that
    width is added: spread / sqrt(12). Where a band has no signal-to-noise ratio, :data:`SNR` is assumed and named.
    """
    layout.require(scene, "recalibrate")
    made = scene
    words: list[str] = []
    if "reflectance" in scene:
        layout.require(scene, "recalibrate", level=layout.TOP)
        rows = _rows(scene, None if table is None else updates(table))
        made, words = _calibrated(scene, rows, uncertainty), [row.words for row in rows]
    if uncertainty and "brightness_temperature" in scene:
        made = made.assign(brightness_temperature_random=_thermal(scene))
    if words:
        made = made.assign_attrs(calibration_sources="\n".join(words))
    name = table if isinstance(table, str | Path) else "own rows" if table is not None else None
    return layout.add_step(made, "recalibrate", {"table": name and str(name), "uncertainty": uncertainty})


def _rows(scene: xr.Dataset, table: pd.DataFrame | None) -> list[_Row]:
    """Collect what is known of each band of the scene."""
    sensor, platforms = str(scene.attrs["sensor"]), _platforms(scene)
    spread = float(scene.attrs.get("calibration_spread", 0.0)) / np.sqrt(12.0)
    when = _time(scene) if table is not None else pd.Timestamp(0)
    rows = []
    for band in _bands(scene, "band"):
        known = uncertainty_of(sensor, platforms, band)
        systematic, words = known["uncertainty"], f"{known['uncertainty']:g} ({known['status']}): {known['source']}"
        gain, offset = 1.0, 0.0
        update = None if table is None else update_of(table, sensor, platforms, band, when)
        if update is not None:
            gain, offset = float(update["gain"]), float(update["offset"])
            words += f"; updated by {gain:g} x + {offset:g}: {update['source']}"
            if np.isfinite(update["uncertainty"]):
                systematic = float(update["uncertainty"])
                words += f", then {systematic:g}"
        if band.snr is None:
            words += f"; SNR {SNR:g} assumed"
        rows.append(_Row(gain, offset, float(np.hypot(systematic, spread)), band.snr or SNR, f"{band.name}: {words}"))
    return rows


def _calibrated(scene: xr.Dataset, rows: list[_Row], uncertainty: bool) -> xr.Dataset:
    def along(values: list[float]) -> xr.DataArray:
        return xr.DataArray(np.array(values, np.float32), dims="band")

    old = scene["reflectance"]
    changed = any(row.gain != 1.0 or row.offset != 0.0 for row in rows)
    gain, offset = along([row.gain for row in rows]), along([row.offset for row in rows])
    new = (old * gain + offset).transpose(*old.dims) if changed else old
    made = scene.assign(reflectance=new.assign_attrs(old.attrs))
    parts = dict.fromkeys(layout.UNCERTAINTIES) | {
        name: scene[name] * gain for name in layout.UNCERTAINTIES if name in scene
    }
    if uncertainty:
        noise = along([float(np.sqrt(REFERENCE) / row.snr) for row in rows]) * np.sqrt(new.clip(min=0.0))
        error = along([row.systematic for row in rows]) * np.abs(new)
        parts = {name: _both(parts[name], own) for name, own in zip(layout.UNCERTAINTIES, (noise, error), strict=True)}
    kinds = ("random", "systematic")
    for (name, part), kind in zip(parts.items(), kinds, strict=True):
        if part is not None:
            attrs = {"units": "1", "long_name": f"one standard uncertainty of reflectance, {kind} part"}
            made[name] = part.transpose(*old.dims).astype(np.float32).drop_attrs(deep=False).assign_attrs(attrs)
    return made


def _both(old: xr.DataArray | None, own: xr.DataArray) -> xr.DataArray:
    """Combine independent parts."""
    return own if old is None else (old**2 + own**2) ** 0.5


def _thermal(scene: xr.Dataset) -> xr.DataArray:
    """Return the noise of each thermal band."""
    values = np.array([band.nedt or NEDT for band in _bands(scene, "thermal_band")], np.float32)
    attrs = {"units": "K", "long_name": "one standard uncertainty of brightness temperature, random part (noise)"}
    return xr.DataArray(values, {"thermal_band": scene["thermal_band"]}, ("thermal_band",), attrs=attrs)


def _bands(scene: xr.Dataset, dim: str) -> list[Band]:
    spec, variant = SENSORS[str(scene.attrs["sensor"])], layout.variant_of(scene)
    return [spec.band(str(name), variant) for name in scene[dim].values]


def _platforms(scene: xr.Dataset) -> tuple[str, ...]:
    """Return the names by which tables may know the scene's platform."""
    given = (layout.variant_of(scene), *(str(scene.attrs.get(name, "")) for name in ("platform", "camera")))
    return tuple(dict.fromkeys(name for name in given if name))


def _time(scene: xr.Dataset) -> pd.Timestamp:
    try:
        moment = pd.Timestamp(str(scene.attrs["time_coverage_start"]))
    except (KeyError, ValueError):
        given = scene.attrs.get("time_coverage_start", "nothing")
        raise InputError(
            f"recalibrate needs the time of the scene to choose updates; attrs['time_coverage_start'] holds {given!r}."
        ) from None
    return moment.tz_convert("UTC").tz_localize(None) if moment.tzinfo else moment


def sun_distance(time: ArrayLike) -> NDArray[np.float64]:
    """Return the distance from the Earth to the Sun (AU).

    Parameters
    ----------
    time : array_like of datetime64
        UTC.
    """
    distance: NDArray[np.float64] = np.asarray(sun_position(np.asarray(time, "datetime64[ns]")).distance, np.float64)
    return distance


def solar_irradiance(sensor: str, band: str, variant: str = "", *, spectrum: xr.DataArray | None = None) -> float:
    r"""Return the solar irradiance of a band at 1 AU (W m-2 um-1): :math:`\int E R\,d\lambda / \int R\,d\lambda`.

    Parameters
    ----------
    sensor, band, variant
        As for :func:`musyq_lab.sensors._response.response`.
    spectrum : DataArray, optional
        Solar irradiance (W m-2 um-1) over ``wavelength`` (um) that covers the band. By default that of ASTM G173-03,
        from 0.4 to 2.5 um, which is not the spectrum of ``Band.e0``.

    Raises
    ------
    InputError
        If the spectrum does not cover the band.

    Notes
    -----
    ``Band.e0`` belongs to TSIS-1 HSRS (Coddington et al. 2023, doi:10.1029/2022EA002637). ASTM G173-03 is the spectrum
    of Gueymard (2004, doi:10.1016/j.solener.2003.08.039). They differ by -2.6 % (0.44 um) to 2.7 % (1.6 um), 1.2 % at
    the median of 294 bands. The difference follows the wavelength: that of each band is within 1 % of that of other
    sensors' bands near it, so all of ``Band.e0`` come from one spectrum.
    """
    curve = response(sensor, band, variant)
    if spectrum is None:
        wavelength, values = sunlight("outside")
        spectrum = xr.DataArray(values, {"wavelength": wavelength}, ("wavelength",))
    return float(band_average(spectrum, curve))
