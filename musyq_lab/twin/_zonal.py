r"""Climate of any place on Earth from its latitude, elevation, distance to the sea and the maps that ship.

Coarse by design: it gives each place a plausible season, not its own records. Errors of the annual mean reach 5 K.
"""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from musyq_lab.twin import _earth

Floats = NDArray[np.float64]

LAPSE_RATE = 0.0065
"""Fall of the air temperature with height (K m-1), ICAO standard atmosphere."""
SCALE_AEROSOL = 2000.0
"""Height (m) over which the aerosol falls by e; 1 to 2.5 km are usual (Elterman 1968, AFCRL-68-0153: 1.2 km near the
ground; ours is larger, since haze fills basins)."""
# Annual precipitation (mm) and relative humidity (1) typical of the main zones; our round numbers, the arid limit of
# Koeppen's rule (20 T + 280 mm, summer rain) lies near 400 mm at 6 degC.
_RAIN = MappingProxyType({0: 900.0, 1: 1800.0, 2: 200.0, 3: 950.0, 4: 550.0, 5: 350.0})
_HUMIDITY = MappingProxyType({0: 0.78, 1: 0.78, 2: 0.45, 3: 0.70, 4: 0.68, 5: 0.72})
_DAILY = MappingProxyType({0: 2.0, 1: 4.5, 2: 7.5, 3: 5.0, 4: 5.5, 5: 4.0})


def sea_level_temperature(latitude: Floats, continentality: Floats) -> Floats:
    r"""Return the annual mean temperature (K) at sea level.

    .. math:: T = T_0 + T_2 P_2(\sin\varphi) + (8.5 - 11 K) \sin^2 2\varphi

    The first two terms, 14.97 and -28.0 degC, are the zonal mean of North, Cahalan & Coakley (1981, doi
    10.1029/RG019i001p00091; quoted, not opened). The last, in the north alone, warms oceanic air: set by us so that
    Paris, Berlin, Moscow, Huailai, Changchun and Yakutsk come within 4 K of their normals.
    """
    phi = np.radians(latitude)
    zonal = 273.15 + 14.97 - 28.0 * (3 * np.sin(phi) ** 2 - 1) / 2
    oceanic = np.where(latitude > 0, (8.5 - 11 * continentality) * np.sin(2 * phi) ** 2, 0.0)
    return np.asarray(zonal + oceanic)


def annual_amplitude(latitude: Floats, continentality: Floats) -> Floats:
    r"""Return half the range of the monthly mean temperatures (K).

    .. math:: A = (K + 20.4) \sin|\varphi| / 3.4

    Gorczynski's index K (0 oceanic to 100 continental) solved for the range (Gorczynski 1922, Geogr. Ann. 4; quoted).
    Between 65 deg, where the index was made, and the pole it goes to 15 K, what the Arctic and the Antarctic ice show.
    """
    steep = np.abs(latitude)
    range_half = (100 * continentality + 20.4) * np.sin(np.radians(steep)) / 3.4
    polar = np.clip((steep - 65) / 15, 0, 1)
    return np.asarray(range_half * (1 - polar) + 15.0 * polar)


def extraterrestrial(latitude: Floats) -> Floats:
    """Return the annual mean irradiance outside the atmosphere (W m-2), FAO-56 equations 21 and 23 to 25."""
    day = np.arange(5, 365, 10.0)[(...,) + (np.newaxis,) * np.ndim(latitude)]
    phi = np.radians(np.clip(latitude, -89.9, 89.9))
    declination = 0.409 * np.sin(2 * np.pi * day / 365 - 1.39)
    distance = 1 + 0.033 * np.cos(2 * np.pi * day / 365)
    sunset = np.arccos(np.clip(-np.tan(phi) * np.tan(declination), -1, 1))
    both = sunset * np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.sin(sunset)
    return np.asarray((1367.0 / np.pi * distance * both).mean(axis=0))


def cloud_fraction(irradiance: Floats, latitude: Floats) -> Floats:
    r"""Return the mean cloud fraction as the missing sunshine, FAO-56 equation 35 with a = 0.25, b = 0.5.

    .. math:: C = 1 - (R_s / R_a - 0.25) / 0.5
    """
    return np.asarray(np.clip(1 - (irradiance / extraterrestrial(latitude) - 0.25) / 0.5, 0.05, 0.9))


def aerosol(turbidity: Floats, water_vapour: Floats, elevation: Floats) -> Floats:
    r"""Return the aerosol optical depth at 550 nm from the Linke turbidity at an elevation (m).

    .. math:: T_L = 3.91\, e^{0.689 r}\, \tau + 0.376 \ln w + 2 + 0.54 r - 0.5 r^2 + 0.16 r^3, \qquad r = p_0 / p

    (Ineichen 2008, doi 10.1016/j.solener.2007.08.005; quoted, not opened), w in cm, scale height of the air 8434 m.
    """
    r = np.exp(elevation / 8434.0)
    clean = 0.376 * np.log(water_vapour) + 2 + 0.54 * r - 0.5 * r**2 + 0.16 * r**3
    return np.asarray(np.clip((turbidity - clean) / (3.91 * np.exp(0.689 * r)), 0.03, 0.8))


def _of_zone(table: MappingProxyType[int, float], zone: NDArray[np.uint8]) -> Floats:
    return np.array([table[key] for key in sorted(table)])[zone]


def climate_at(longitude: Floats, latitude: Floats, elevation: Floats) -> dict[str, Floats]:
    """Return the climate of places.

    Parameters
    ----------
    longitude, latitude
        Degrees; any shape.
    elevation
        Metres.

    Returns
    -------
    dict of ndarray
        The fields of :class:`musyq_lab.twin.place.Climate` in its units, in the shape of the places.
    """
    from pvlib.atmosphere import gueymard94_pw

    zone = _earth.zone(longitude, latitude)
    inland = _earth.continental(longitude, latitude)
    amplitude = annual_amplitude(latitude, inland)
    height = np.maximum(elevation, 0.0)
    temperature = sea_level_temperature(latitude, inland) - LAPSE_RATE * height
    humidity = _of_zone(_HUMIDITY, zone)
    vapour = np.clip(gueymard94_pw(temperature - 273.15, 100 * humidity), 0.1, 7.0)  # cm
    light = _earth.irradiance(longitude, latitude)
    return {
        "temperature_mean": temperature,
        "temperature_amplitude": amplitude,
        "diurnal_amplitude": _of_zone(_DAILY, zone),
        "humidity_mean": humidity,
        "cloud_fraction_mean": cloud_fraction(light, latitude),
        "precipitation": _of_zone(_RAIN, zone),
        "aod_mean": aerosol(_earth.turbidity(longitude, latitude), vapour, height),
    }
