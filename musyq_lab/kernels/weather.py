r"""Moisture of the air near the ground: saturation pressure and its slope, deficits, density, heat of vaporisation.

Two forms of the saturation pressure over water are in use, which differ by less
than 0.25 % from -20 to 45 degrees Celsius (:math:`T` in degrees Celsius):

.. math:: e_s = 610.7 \exp\frac{17.38\,T}{239 + T} \quad \text{(MOD17, MOD16)}, \qquad
          e_s = 610.8 \exp\frac{17.27\,T}{237.3 + T} \quad \text{(FAO-56)}.

Deficits of this module take the first, so that the vapour pressure deficit is that of the light-use models;
reference evapotranspiration takes the second.

References
----------
Running and Zhao 2015, MOD17 User's Guide 3.0 (deficit); Running et al. 2021, MOD16 User's Guide 2.2. Allen et al. 1998,
FAO Irrigation and Drainage Paper 56, equations 8, 11 and 13 and annex 3. Both are as in arthur-e/MOD17, arthur-e/MOD16
(MIT) and pyet (MIT); the guides themselves were not read again.
"""

from typing import Any

from musyq_lab.kernels._compile import inline, kernel, select
from musyq_lab.kernels._math import exp, pow

__all__ = [
    "FREEZING",
    "HEAT_CAPACITY",
    "VAPOUR_RATIO",
    "air_density",
    "deficit_from_relative_humidity",
    "deficit_from_specific_humidity",
    "deficit_from_vapour_pressure",
    "psychrometric_constant",
    "saturation_pressure",
    "saturation_pressure_fao56",
    "saturation_slope",
    "saturation_slope_fao56",
    "standard_pressure",
    "vaporisation_heat",
]

FREEZING = 273.15
"""0 degrees Celsius (K)."""
HEAT_CAPACITY = 1013.0
"""Specific heat of moist air at constant pressure (J kg-1 K-1), FAO-56 equation 8."""
VAPOUR_RATIO = 0.622
"""Molecular weight of water vapour over that of dry air, FAO-56 equation 8."""

SEA_LEVEL = 101325.0  # Pa, ICAO standard atmosphere (ISO 2533), as are the next three
_WARMTH = 288.15  # K at sea level
_LAPSE = 0.0065  # K m-1
_EXPONENT = 5.255880  # g M / (R lapse) = 9.80665 x 0.0289644 / (8.31432 x 0.0065)


@inline
def saturated(warmth: Any) -> Any:
    """Saturation pressure (Pa) in the form of MOD17, from degrees Celsius."""
    return 610.7 * exp(17.38 * warmth / (239.0 + warmth))


@inline
def saturated_fao56(warmth: Any) -> Any:
    """Saturation pressure (Pa) in the form of FAO-56, from degrees Celsius."""
    return 610.8 * exp(17.27 * warmth / (237.3 + warmth))


@inline
def slope_of(pressure: Any, warmth: Any) -> Any:
    """Slope (Pa K-1) of the form of MOD17, from the saturation pressure and degrees Celsius."""
    return 17.38 * 239.0 * pressure / ((239.0 + warmth) * (239.0 + warmth))


@inline
def slope_fao56_of(pressure: Any, warmth: Any) -> Any:
    """Slope (Pa K-1) of the form of FAO-56 (its equation 13), from the saturation pressure and degrees Celsius."""
    return 4098.0 * pressure / ((237.3 + warmth) * (237.3 + warmth))


@inline
def heat_of(warmth: Any) -> Any:
    """Heat of vaporisation (J kg-1), from degrees Celsius."""
    return 2.501e6 - 2361.0 * warmth


@inline
def density_of(warmth: Any, pressure: Any, humidity: Any) -> Any:
    """Density of moist air (kg m-3), from degrees Celsius, Pa and relative humidity."""
    return (0.00348444 * pressure - humidity * (0.252 * warmth - 2.0582)) / (warmth + FREEZING)


@inline
def missing(saturation: Any, actual: Any) -> Any:
    """Deficit (Pa), not below zero; NaN stays NaN."""
    return select(actual > saturation, 0.0, saturation - actual)


@kernel("()->()")  # air temperature (K) -> saturation pressure (Pa), MOD17
def saturation_pressure(temperature: float, out: Any) -> None:
    """Saturation vapour pressure over water, in the form of MOD17.

    Parameters
    ----------
    temperature : array_like
        Air temperature (K), any shape.
    out : numpy.ndarray
        Pressure (Pa), of that shape.
    """
    out[0] = saturated(temperature - FREEZING)


@kernel("()->()")  # air temperature (K) -> saturation pressure (Pa), FAO-56
def saturation_pressure_fao56(temperature: float, out: Any) -> None:
    """Saturation vapour pressure over water, in the form of FAO-56 (equation 11).

    Parameters
    ----------
    temperature : array_like
        Air temperature (K), any shape.
    out : numpy.ndarray
        Pressure (Pa), of that shape.
    """
    out[0] = saturated_fao56(temperature - FREEZING)


@kernel("()->()")  # air temperature (K) -> slope of the saturation pressure (Pa K-1), MOD17
def saturation_slope(temperature: float, out: Any) -> None:
    r"""Slope of the saturation pressure in the form of MOD17, :math:`17.38 \cdot 239\, e_s / (239 + T)^2`.

    Parameters
    ----------
    temperature : array_like
        Air temperature (K), any shape.
    out : numpy.ndarray
        Slope (Pa K-1), of that shape.
    """
    warmth = temperature - FREEZING
    out[0] = slope_of(saturated(warmth), warmth)


@kernel("()->()")  # air temperature (K) -> slope of the saturation pressure (Pa K-1), FAO-56
def saturation_slope_fao56(temperature: float, out: Any) -> None:
    r"""Slope of the saturation pressure in the form of FAO-56, :math:`4098\, e_s / (237.3 + T)^2` (equation 13).

    Parameters
    ----------
    temperature : array_like
        Air temperature (K), any shape.
    out : numpy.ndarray
        Slope (Pa K-1), of that shape.
    """
    warmth = temperature - FREEZING
    out[0] = slope_fao56_of(saturated_fao56(warmth), warmth)


@kernel("(),()->()")  # air temperature (K), relative humidity (1) -> deficit (Pa)
def deficit_from_relative_humidity(temperature: float, humidity: float, out: Any) -> None:
    """Vapour pressure deficit from relative humidity, 0 where the air is saturated.

    Parameters
    ----------
    temperature, humidity : array_like
        Air temperature (K) and relative humidity (1), broadcastable.
    out : numpy.ndarray
        Deficit (Pa).
    """
    saturation = saturated(temperature - FREEZING)
    out[0] = missing(saturation, humidity * saturation)


@kernel("(),()->()")  # air temperature (K), vapour pressure (Pa) -> deficit (Pa)
def deficit_from_vapour_pressure(temperature: float, vapour: float, out: Any) -> None:
    """Vapour pressure deficit from vapour pressure, 0 where the air is saturated.

    Parameters
    ----------
    temperature, vapour : array_like
        Air temperature (K) and vapour pressure (Pa), broadcastable.
    out : numpy.ndarray
        Deficit (Pa).
    """
    out[0] = missing(saturated(temperature - FREEZING), vapour)


@kernel("(),(),()->()")  # air temperature (K), specific humidity (1), surface pressure (Pa) -> deficit (Pa)
def deficit_from_specific_humidity(temperature: float, specific: float, pressure: float, out: Any) -> None:
    r"""Vapour pressure deficit from specific humidity, as MOD17 makes it.

    The vapour pressure is :math:`e_a = q p / (0.622 + 0.379 q)` (Gates 1980, Biophysical Ecology, p. 311, as MOD17
    quotes it; exact for 0.378).

    Parameters
    ----------
    temperature, specific, pressure : array_like
        Air temperature (K), specific humidity (1) and surface pressure (Pa), broadcastable.
    out : numpy.ndarray
        Deficit (Pa), 0 where the air is saturated.
    """
    vapour = specific * pressure / (VAPOUR_RATIO + 0.379 * specific)
    out[0] = missing(saturated(temperature - FREEZING), vapour)


@kernel("()->()")  # air temperature (K) -> heat of vaporisation (J kg-1)
def vaporisation_heat(temperature: float, out: Any) -> None:
    r"""Heat that vaporises a kilogram of water, :math:`(2.501 - 0.002361\,T)\,10^6` (Harrison 1963; FAO-56, annex 3).

    Parameters
    ----------
    temperature : array_like
        Temperature (K), any shape.
    out : numpy.ndarray
        Heat (J kg-1), of that shape.
    """
    out[0] = heat_of(temperature - FREEZING)


@kernel("(),()->()")  # air temperature (K), pressure (Pa) -> psychrometric constant (Pa K-1)
def psychrometric_constant(temperature: float, pressure: float, out: Any) -> None:
    r"""Psychrometric constant :math:`\gamma = c_p\, p / (0.622\, \lambda(T))` (FAO-56 equation 8, with its own heat).

    Parameters
    ----------
    temperature, pressure : array_like
        Air temperature (K) and pressure (Pa), broadcastable.
    out : numpy.ndarray
        Constant (Pa K-1).
    """
    out[0] = HEAT_CAPACITY * pressure / (VAPOUR_RATIO * heat_of(temperature - FREEZING))


@kernel("(),(),()->()")  # air temperature (K), pressure (Pa), relative humidity (1) -> density (kg m-3)
def air_density(temperature: float, pressure: float, humidity: float, out: Any) -> None:
    r"""Density of moist air, NPL's short form of the CIPM equation, which MOD16 uses.

    .. math:: \rho = \frac{0.348444\,p - h\,(0.00252\,T - 0.020582)}{273.15 + T}

    with the pressure in hPa, the relative humidity h in per cent and T in degrees Celsius; within 0.7 % of the
    mixture of ideal gases from 5 to 35 degrees.

    Parameters
    ----------
    temperature, pressure, humidity : array_like
        Air temperature (K), pressure (Pa) and relative humidity (1), broadcastable.
    out : numpy.ndarray
        Density (kg m-3).
    """
    out[0] = density_of(temperature - FREEZING, pressure, humidity)


@kernel("()->()")  # height above mean sea level (m) -> pressure (Pa)
def standard_pressure(altitude: float, out: Any) -> None:
    r"""Pressure of the standard atmosphere, :math:`101325\,(1 - 0.0065\,z / 288.15)^{5.2559}` (ISO 2533, below 11 km).

    Parameters
    ----------
    altitude : array_like
        Height above mean sea level (m), any shape.
    out : numpy.ndarray
        Pressure (Pa), of that shape.
    """
    out[0] = SEA_LEVEL * pow(1.0 - _LAPSE * altitude / _WARMTH, 0.0 * altitude + _EXPONENT)
