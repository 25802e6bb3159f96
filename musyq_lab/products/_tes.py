"""Temperature and emissivity from the radiance that leaves the surface, for any sensor with a band at 8.6 um.

The equations stand in :mod:`musyq_lab.kernels.tes`. The curve of the lowest emissivity over the contrast is that of the
three bands of ECOSTRESS (8.8, 10.5, 12.1 um), for all sensors: over the materials of ``catalogs/emissivity`` the lowest
emissivity of MODIS, VIIRS, AHI and AGRI lies within 0.02 of it (see the tests).

Nothing but the pattern between 8.6 um and the rest is known of a surface, so that a sensor without that band has no
such method, and a correction of the atmosphere that is wrong by 1 K in one of the bands shows as 0.015 of emissivity.

Of the four bands of AHI and ABI, those at 8.6, 10.4 and 11.2 um alone give the better temperature, the more so in humid
air (AHI, 20 to 30 kg m-2 of vapour along the view: 1.4 K in place of 1.8 K), the four the better emissivity at 8.6 um
in dry air.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError
from musyq_lab.core.resources import read_table
from musyq_lab.kernels import tes
from musyq_lab.kernels.radiometry import planck_constants, planck_radiance
from musyq_lab.products._emissivity import ROLES, band_response

Floats = NDArray[np.floating]

CURVE = (0.9895, 0.7994, 0.8572)
"""a, b, c of three bands: CoBare3Band of ECOSTRESS collection 3 (OSP/PgeRunParameters.xml of ECOv003-L2-LSTE)."""

CURVE_FIVE = (0.9955, 0.6926, 0.7823)
"""The same of its five bands (8.3 to 12.1 um), for comparison."""

LOW_CONTRAST = 0.03
"""Contrast below which noise makes the most of it (Gillespie et al. 1998, not re-read)."""

GREATEST_VAPOUR, UNCERTAIN_VAPOUR = 45.0, 30.0
"""Water vapour along the view (kg m-2) beyond which nothing is seen, and beyond which little is."""

_FOLDER = "catalogs/emissivity"
_ANY = "*"
_COEFFICIENTS = 20
_BETWEEN = (255.0, 325.0)  # K: the constants of a band are exact there
_STEPS = 60  # of bisection


class Separation(NamedTuple):
    """What the surface is made of."""

    temperature: Floats
    """K."""
    emissivity: tuple[Floats, ...]
    """One array for each band."""
    contrast: Floats
    """Largest less smallest emissivity over their mean (1)."""


@lru_cache(maxsize=256)
def band_constants(role: str, sensor: str = "") -> tuple[float, float]:
    """Return K1 (W m-2 sr-1 um-1) and K2 (K) of a band, exact for its response at 255 and 325 K, within 0.02 K between.

    Parameters
    ----------
    role, sensor : str
        See :func:`musyq_lab.products._emissivity.band_emissivity`.
    """
    fine, seen = band_response(role, sensor)
    cold, warm = (float(seen @ [planck_radiance(t, x) for x in fine]) for t in _BETWEEN)
    k1, _ = planck_constants(float(seen @ fine))
    low, high = 0.5 * k1, 2.0 * k1
    for _ in range(_STEPS):
        k1 = 0.5 * (low + high)
        excess = _BETWEEN[0] * np.log(k1 / cold + 1.0) - _BETWEEN[1] * np.log(k1 / warm + 1.0)
        low, high = (k1, high) if excess > 0 else (low, k1)
    return k1, float(_BETWEEN[0] * np.log(k1 / cold + 1.0))


def black_body(temperature: Any, role: str, sensor: str = "") -> Floats:
    """Return the radiance (W m-2 sr-1 um-1) of a black body in a band.

    Parameters
    ----------
    temperature : array
        K.
    role, sensor : str
        Of the band.
    """
    array = np.asarray(temperature)
    k1, k2 = (array.dtype.type(k) for k in band_constants(role, sensor))
    radiance: Floats = k1 / np.expm1(k2 / array)
    return radiance


def brightness(radiance: Any, role: str, sensor: str = "") -> Floats:
    """Return the temperature (K) of a black body of that radiance (W m-2 sr-1 um-1) in a band."""
    array = np.asarray(radiance)
    k1, k2 = (array.dtype.type(k) for k in band_constants(role, sensor))
    temperature: Floats = k2 / np.log(k1 / array + 1)
    return temperature


def at_surface(
    brightness_temperature: Sequence[Any],
    roles: Sequence[str],
    sensor: str,
    water_vapour: Any,
    air_temperature: Any,
    view_zenith: Any = 0.0,
    *,
    numbers: Mapping[str, Sequence[float] | Floats] | None = None,
) -> tuple[list[Floats], list[Floats]]:
    """Return what leaves the surface in each band, and the radiance of the sky (W m-2 sr-1 um-1).

    Parameters
    ----------
    brightness_temperature : sequence of array, broadcastable
        At the top of the atmosphere in each band (K).
    roles, sensor
        See :func:`separate`.
    water_vapour, air_temperature : array
        Column (kg m-2) and air temperature near the ground (K).
    view_zenith : array
        Degrees.
    numbers : mapping of str to sequence of float, optional
        Coefficients by role, in place of those of ``atmosphere.csv``.

    Notes
    -----
    No values beyond :data:`GREATEST_VAPOUR` along the view. The error that this leaves, vapour and air temperature of
    usual quality, is in ``accuracy.csv``.
    """
    table = numbers if numbers is not None else {role: atmosphere(role, sensor) for role in roles}
    secant = 1.0 / np.cos(np.radians(np.asarray(view_zenith, np.result_type(brightness_temperature[0]))))
    seen = np.where(water_vapour * secant <= GREATEST_VAPOUR, water_vapour, np.nan)
    dtype = np.result_type(*brightness_temperature, water_vapour, air_temperature)
    *bands, vapour, air, slant = _alike(dtype, *brightness_temperature, 0.1 * seen, air_temperature, secant - 1.0)
    light, sky = [], []
    for band, role in zip(bands, roles, strict=True):
        constants = (*band_constants(role, sensor), *table[role])
        below, above = tes.from_top(band, vapour, air, slant, *(dtype.type(x) for x in constants))
        light.append(below)
        sky.append(above)
    return light, sky


@lru_cache(maxsize=256)
def atmosphere(role: str, sensor: str = "") -> tuple[float, ...]:
    """Return the coefficients of a band for :func:`musyq_lab.kernels.tes.from_top`; of nominal bands if it has none."""
    row = _row("atmosphere", "role", role, sensor)[0]
    return tuple(float(row[name]) for name in list(row)[-_COEFFICIENTS:])


@lru_cache(maxsize=256)
def errors(what: str, sensor: str = "") -> tuple[Floats, Floats]:
    """Return classes of vapour along the view (kg m-2) and one sigma of a band's emissivity, or of the temperature.

    Parameters
    ----------
    what : str
        Role, or ``temperature`` (K).
    sensor : str
        ``"<key>/<platform or camera>"``.
    """
    rows = _row("accuracy", "what", what, sensor)
    return np.array([float(row["vapour"]) for row in rows]), np.array([float(row["real"]) for row in rows])


def _alike(dtype: np.dtype[Any], *arrays: Any) -> list[Floats]:
    """Return arrays of one shape and type, contiguous: one form of a kernel then serves all calls."""
    given = [np.asarray(a, dtype) for a in arrays]
    shape = np.broadcast_shapes(*(a.shape for a in given))
    return [np.ascontiguousarray(a) if a.shape == shape else np.array(np.broadcast_to(a, shape)) for a in given]


def _row(table: str, column: str, value: str, sensor: str) -> list[dict[str, str]]:
    """Return the rows of a sensor's band, else of the nominal one."""
    key, _, variant = sensor.partition("/")
    rows = [row for row in read_table(f"{_FOLDER}/{table}.csv") if row[column] == value]
    own = [row for row in rows if row["sensor"] == key]
    exact = [row for row in own if row["variant"] == variant]
    first = [row for row in own if row["variant"] == own[0]["variant"]]
    return exact or first or [row for row in rows if row["sensor"] == _ANY]


def separate(
    radiance: Sequence[Any],
    sky: Sequence[Any],
    roles: Sequence[str],
    sensor: str = "",
    *,
    curve: tuple[float, float, float] = CURVE,
    highest: float = tes.HIGHEST,
) -> Separation:
    """Separate temperature and emissivity.

    Parameters
    ----------
    radiance : sequence of array, broadcastable
        What leaves the surface in each band, emitted and reflected (W m-2 sr-1 um-1): (L - L_up) / tau.
    sky : sequence of array
        Radiance of the sky, mean of the hemisphere, in each band.
    roles : sequence of str
        Three or four of ``tir_8_6``, ``tir_10_4``, ``tir1`` and ``tir2``, the first among them.
    sensor : str
        ``"<key>/<platform or camera>"``.
    curve : (float, float, float)
        a, b and c of the lowest emissivity, a - b x contrast^c.
    highest : float
        Emissivity assumed first for the warmest band.

    Raises
    ------
    InputError
        If there are not three or four bands, or none at 8.6 um.
    """
    if len(roles) not in (3, 4) or "tir_8_6" not in roles or not set(roles) <= set(ROLES):
        raise InputError(
            f"Temperature and emissivity need three or four of the bands {', '.join(ROLES)}, among them tir_8_6, "
            f"got {', '.join(roles) or 'none'}."
        )
    places = [0, 1, 2, len(roles) - 1]
    dtype = np.result_type(*radiance, *sky)
    arrays = _alike(dtype, *radiance, *sky)
    light, above = [arrays[k] for k in places], [arrays[len(roles) + k] for k in places]
    pairs = [band_constants(roles[k], sensor) for k in places]
    numbers = (*(k1 for k1, _ in pairs), *(k2 for _, k2 in pairs), *curve, highest, float(len(roles) == 4))
    temperature, *found, contrast = tes.separate(*light, *above, *(dtype.type(x) for x in numbers))
    return Separation(temperature, tuple(found[: len(roles)]), contrast)
