r"""Brightness temperature at the top of the atmosphere, from 3.5 to 14.5 um.

A non-scattering atmosphere of some layers over a grey surface,

.. math:: L = t \left[\varepsilon B(T_s) + (1-\varepsilon) L_\downarrow + (1-\varepsilon)\frac{E_0\mu_s}{\pi}
              t^{1/\mu_s}\right] + \sum_l B(T_l) \Delta t_l, \qquad t = e^{-\delta/\mu}

at the centre of the band; temperature falls by 6.5 K km-1 from that of the air at the surface up to 11 km, vapour thins
with a scale height of 2 km. A layer absorbs by

- the continuum of water vapour between 7.7 and 14.5 um (Roberts, Selby & Biberman 1976, doi 10.1364/AO.15.002085),

.. math:: \delta = C(\nu)\, e^{1800 (1/T - 1/296)} [e + 0.002 (p - e)] u, \quad C = 4.18 + 5578 e^{-0.00787 \nu}

  in cm2 g-1 atm-1, with vapour :math:`u` (g cm-2) and pressures (atm); numbers as csband of the RAMS model and the
  ALEXI model have them too;
- the lines of vapour (in proportion to vapour and pressure), of mixed gases (to the square of pressure: wings of lines)
  and of ozone (above 11 km). From 8.3 to 13.5 um their strengths are fitted, for 40 such atmospheres (vapour 3 to 52 kg
  m-2) under three angles, to a band model of 5 cm-1 with the continuum of MT_CKD 4.1 and lines that follow those of
  RRTMGP (``catalogs/lst/transfer.py``). Elsewhere they are set so that weighting functions peak where those of the
  channels of imagers do (6.2, 6.9, 7.3 um: 350, 440, 600 hPa) and that 9.6 um stands some 25 K below the window.

A cloud is a grey layer at the temperature of its top, :math:`\varepsilon_c = 1 - e^{-\tau/2\mu}`: absorption at 11 um
is about half the extinction in the visible (assumed), its solar reflectance at 3.7 um 0.08 (liquid) or 0.02 (ice),
assumed too.

Accuracy. Against that band model the root mean square difference is 0.1 to 0.2 K from 10.6 to 12 um, 0.5 K at 8.6,
10.3 and 12.4 um, 1 to 1.7 K from 12.7 to 13.5 um. The split window of Jimenez-Munoz et al. 2014 (doi
10.1109/LGRS.2014.2312032), which knows nothing of either, finds the surface temperature again within 1 K up to 45 kg
m-2 of vapour and 10 K between surface and air, the statistical mono-window of Ermida et al. 2020 (doi
10.3390/rs12091471) within 2.2 K. Expect 2 to 3 K at 3.7 um and 5 K in bands that absorb more.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from musyq_lab.kernels.radiometry import planck_constants

Field = NDArray[np.float32]

LAPSE_RATE = 6.5e-3
"""K m-1 (US Standard Atmosphere 1976)."""

_VAPOUR_SCALE = 2000.0  # m
_PRESSURE_SCALE = 8000.0  # m
_TROPOPAUSE = 11_000.0  # m above the surface
_ATMOSPHERE = 1013.25  # hPa
_GAS_CONSTANT = 461.5  # J kg-1 K-1, of vapour
_DIFFUSIVITY = 1.66  # Elsasser 1942: slant of the whole sky
_CONTINUUM = (7.7, 14.5)  # um
_SUN = 5772.0, 6.794e-5  # K (IAU 2015 B3); solid angle at 1 AU (sr)
_SUN_LIMIT = 5.0  # um: beyond, the sun adds nothing
_ICE = 253.0  # K
_LEAST = 1e-6
_TRACE = 1e-4
_OPAQUE = 0.2
_BLOCK = 1 << 14  # places that stay in the processor's cache
_PASCAL = 101_325.0  # in an atmosphere

# Edges of the layers (m above the surface); the second set where most of the signal comes from aloft.
_WINDOW: tuple[int, ...] = (0, 250, 600, 1100, 1800, 2700, 4000, 6000, 11_000)
_ABSORBING: tuple[int, ...] = (*range(0, 12_001, 750), 14_000)

# Wavelength (um), optical depth of vapour lines per g cm-2 at 1 atm, of mixed gases and of ozone: see the module.
_LINES = np.array(
    [
        (3.5, 0.05, 0.08, 0.0),
        (3.75, 0.03, 0.04, 0.0),
        (3.9, 0.02, 0.06, 0.0),
        (4.05, 0.02, 0.15, 0.0),
        (4.2, 0.02, 8.0, 0.0),
        (4.46, 0.05, 6.0, 0.0),
        (4.52, 0.05, 2.0, 0.0),
        (4.65, 0.1, 0.5, 0.0),
        (5.5, 30.0, 0.01, 0.0),
        (6.24, 140.0, 0.01, 0.0),
        (6.94, 52.0, 0.01, 0.0),
        (7.35, 12.0, 0.05, 0.0),
        (7.7, 2.0, 0.3, 0.0),
        (8.0, 0.4, 0.2, 0.0),
        (8.3, 0.2225, 0.1913, 0.0),
        (8.6, 0.1066, 0.1601, 0.0),
        (9.0, 0.0459, 0.1119, 0.0),
        (9.2, 0.02, 0.06, 0.02),
        (9.45, 0.01, 0.03, 0.5),
        (9.64, 0.0, 0.03, 0.7),
        (9.85, 0.0, 0.02, 0.4),
        (10.05, 0.0073, 0.02, 0.1),
        (10.3, 0.0219, 0.02, 0.027),
        (10.6, 0.0173, 0.0276, 0.0),
        (10.9, 0.02, 0.0077, 0.0),
        (11.2, 0.0216, 0.002, 0.0),
        (11.6, 0.0347, 0.002, 0.0),
        (12.0, 0.0317, 0.0157, 0.0),
        (12.4, 0.1218, 0.1162, 0.0),
        (12.7, 0.1942, 0.2, 0.0),
        (12.9, 0.2, 0.29, 0.0),
        (13.3, 1.0389, 1.3611, 0.0),
        (13.5, 2.5702, 2.4931, 0.0),
        (13.9, 5.0, 6.0, 0.0),
        (14.5, 0.0, 15.0, 0.0),
    ]
)


def top_temperature(
    centre: float,
    fwhm: float,
    *,
    surface_temperature: ArrayLike,
    emissivity: ArrayLike,
    air_temperature: ArrayLike,
    water_vapour: ArrayLike,
    view_zenith: ArrayLike,
    surface_pressure: ArrayLike = _ATMOSPHERE,
    sun_zenith: ArrayLike = 180.0,
    cloud_optical_depth: ArrayLike = 0.0,
    cloud_top_temperature: ArrayLike = 250.0,
    lapse_rate: float = LAPSE_RATE,
) -> Field:
    """Return the brightness temperature at the centre of a band (K), float32, of the broadcast shape.

    Parameters
    ----------
    centre, fwhm
        Of the band (um).
    surface_temperature, emissivity
        Of the surface (K; 1).
    air_temperature, surface_pressure
        At the surface (K; hPa).
    water_vapour
        Of the column (kg m-2).
    view_zenith, sun_zenith
        Degrees; 180 leaves out the sun.
    cloud_optical_depth, cloud_top_temperature
        In the visible (1, 0 = clear); K.
    lapse_rate
        Of the temperature (K m-1).
    """
    given = (
        surface_temperature,
        emissivity,
        air_temperature,
        water_vapour,
        view_zenith,
        surface_pressure,
        sun_zenith,
        cloud_optical_depth,
        cloud_top_temperature,
    )
    fields = np.broadcast_arrays(*(np.asarray(field, np.float32) for field in given))
    flat = [field.reshape(-1) for field in fields]
    out = np.empty(flat[0].size, np.float32)
    for start in range(0, out.size, _BLOCK):
        block = slice(start, start + _BLOCK)
        out[block] = _block(centre, fwhm, lapse_rate, *(field[block] for field in flat))
    return out.reshape(fields[0].shape)


def _block(
    centre: float,
    fwhm: float,
    lapse_rate: float,
    surface: Field,
    emissivity: Field,
    air: Field,
    vapour: Field,
    view: Field,
    pressure: Field,
    sun: Field,
    depth: Field,
    top: Field,
) -> Field:
    slant = np.asarray(1 / np.cos(np.radians(np.minimum(view, np.float32(88)))), np.float32)
    column = _Column(centre, fwhm, air, vapour, pressure, slant, lapse_rate)
    radiance = _surface(centre, surface, emissivity, column, sun) * column.transmittance + column.upward
    cloudy = depth > 0
    if np.any(cloudy):
        below = (air[cloudy], vapour[cloudy], pressure[cloudy], slant[cloudy])
        above = _Column(centre, fwhm, *below, lapse_rate, from_temperature=top[cloudy])
        radiance[cloudy] = _covered(centre, radiance[cloudy], above, depth[cloudy], top[cloudy], sun[cloudy])
    return _temperature(centre, radiance)


class _Column:
    """Transmittance and radiation (W m-2 sr-1 um-1) of an atmosphere, or of what lies above a temperature of it."""

    def __init__(
        self,
        centre: float,
        fwhm: float,
        air: Field,
        vapour: Field,
        pressure: Field,
        slant: Field,
        lapse_rate: float,
        from_temperature: Field | None = None,
    ) -> None:
        self.centre, self.slant = centre, slant
        lines, mixed, ozone = _strengths(centre, fwhm)
        continuum = _continuum(centre, fwhm)
        edges = _WINDOW if lines < 1 and mixed < _OPAQUE else _ABSORBING
        bottom = None if from_temperature is None else _height(air, from_temperature, lapse_rate)
        self.layers: list[tuple[Field, Field]] = []
        for low, high in pairwise(edges):
            middle = (low + high) / 2
            temperature = air - np.float32(lapse_rate * min(middle, _TROPOPAUSE))
            amount = vapour * np.float32(0.1 * (np.exp(-low / _VAPOUR_SCALE) - np.exp(-high / _VAPOUR_SCALE)))
            ratio = pressure * np.float32(np.exp(-middle / _PRESSURE_SCALE) / _ATMOSPHERE)
            depth = np.float32(lines) * amount * ratio
            if continuum:
                partial = amount * temperature * np.float32(10 * _GAS_CONSTANT / (high - low) / _PASCAL)
                warm = np.exp(np.float32(1800) / temperature - np.float32(1800 / 296))
                depth += np.float32(continuum) * warm * (partial + np.float32(0.002) * (ratio - partial)) * amount
            square = np.exp(-2 * low / _PRESSURE_SCALE) - np.exp(-2 * high / _PRESSURE_SCALE)
            depth += np.float32(mixed * square / _ATMOSPHERE**2) * pressure**2
            if bottom is not None:
                depth *= np.clip((np.float32(high) - bottom) / np.float32(high - low), 0, 1)
            self.layers.append((depth, _radiance(centre, temperature)))
        if ozone > _TRACE:
            cold = _radiance(centre, air - np.float32(lapse_rate * _TROPOPAUSE))
            self.layers.append((np.full_like(air, ozone), cold))
        self.transmittance, self.upward = _through(self.layers[::-1], slant)

    def downward(self) -> Field:
        """Return the radiance of the sky over the surface, mean of the hemisphere."""
        return _through(self.layers, np.float32(_DIFFUSIVITY))[1]

    def direct(self, slant: Field) -> Field:
        """Return the transmittance along another slant."""
        return np.asarray(np.exp(-slant * sum(depth for depth, _ in self.layers)))


def _through(layers: Iterable[tuple[Field, Field]], slant: Field | np.float32) -> tuple[Field, Field]:
    """Return the transmittance of layers, and what they emit towards the side of the first."""
    rest: Field = np.ones((), np.float32)
    found: Field = np.zeros((), np.float32)
    for depth, emitted in layers:
        left = rest * np.exp(-depth * slant)
        found = found + (rest - left) * emitted
        rest = left
    return rest, found


def _surface(centre: float, temperature: Field, emissivity: Field, column: _Column, sun: Field) -> Field:
    """Return what leaves the surface: emitted, and reflected of the sky and the sun."""
    reflected = column.downward() + _sunlight(centre, column, sun)
    return np.asarray(emissivity * _radiance(centre, temperature) + (1 - emissivity) * reflected)


def _sunlight(centre: float, column: _Column, sun: Field) -> Field | np.float32:
    """Return the radiance of a white surface in the sun."""
    cosine = np.cos(np.radians(sun))
    if centre > _SUN_LIMIT or not np.any(cosine > 0):
        return np.float32(0)
    irradiance = np.float32(_SUN[1]) * _radiance(centre, np.array(_SUN[0], np.float32))
    slant = np.asarray(1 / np.maximum(cosine, np.float32(0.03)), np.float32)
    reached: Field = np.maximum(cosine, np.float32(0)) * column.direct(slant)
    return irradiance / np.float32(np.pi) * reached


def _covered(centre: float, clear: Field, above: _Column, depth: Field, top: Field, sun: Field) -> Field:
    """Return the radiance of places with cloud."""
    opaque = 1 - np.exp(-np.float32(0.5) * depth * above.slant)
    white = np.where(top < _ICE, np.float32(0.02), np.float32(0.08))
    leaving = _radiance(centre, top) + white * _sunlight(centre, above, sun)
    return np.asarray((1 - opaque) * clear + opaque * (leaving * above.transmittance + above.upward))


def _height(air: Field, temperature: Field, lapse_rate: float) -> Field:
    if lapse_rate <= 0:
        return np.zeros_like(air)
    return np.asarray(np.clip((air - temperature) / np.float32(lapse_rate), 0, _ABSORBING[-1]), np.float32)


def _strengths(centre: float, fwhm: float) -> tuple[float, float, float]:
    """Return the optical depths of lines of vapour (per g cm-2), mixed gases and ozone, mean over the band."""
    wavelength = np.clip(_spread(centre, fwhm), _LINES[0, 0], _LINES[-1, 0])
    logs = (np.interp(wavelength, _LINES[:, 0], np.log(np.maximum(column, _LEAST))) for column in _LINES[:, 1:].T)
    lines, mixed, ozone = (float(np.exp(values).mean()) for values in logs)
    return lines, mixed, ozone


def _continuum(centre: float, fwhm: float) -> float:
    """Return the continuum's strength at 296 K (cm2 g-1 atm-1), mean over the band; 0 outside the window."""
    wavelength = _spread(centre, fwhm)
    inside = (wavelength >= _CONTINUUM[0]) & (wavelength <= _CONTINUUM[1])
    return float(np.mean(np.where(inside, 4.18 + 5578 * np.exp(-7.87e-3 * 1e4 / wavelength), 0)))


def _spread(centre: float, fwhm: float) -> NDArray[np.float64]:
    return centre + fwhm * (np.arange(9) - 4) / 9


def _radiance(centre: float, temperature: Field) -> Field:
    k1, k2 = planck_constants(centre)
    return np.asarray(np.float32(k1) / (np.exp(np.float32(k2) / temperature) - np.float32(1)))


def _temperature(centre: float, radiance: Field) -> Field:
    k1, k2 = planck_constants(centre)
    return np.asarray(np.float32(k2) / np.log(1 + np.float32(k1) / radiance), np.float32)
