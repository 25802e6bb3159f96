r"""Cloud, snow and water, pixel by pixel, from whatever bands a scene has.

What a thin white cloud adds to a reflectance grows with its optical depth :math:`\tau`,

.. math:: \Delta\rho \approx \frac{(1 - g)\,\tau}{4 \mu_s \mu_v}, \qquad g = 0.85

(the thin limit of two-stream solutions, Meador & Weaver 1980, doi 10.1175/1520-0469(1980)037<0630:TSATRT>2.0.CO;2).
Measures that cloud moves are compared with what they are in the clear parts of the scene, in units of what a cloud of
optical depth 0.5 adds, and summed:

- *haze*: blue - 0.5 red, the haze-optimized transform of Zhang et al. (2002, doi 10.1016/S0034-4257(02)00034-2) with
  the slope that Fmask took (Zhu & Woodcock 2012, doi 10.1016/j.rse.2011.10.028, eq. 3), less single scattering by
  molecules, times the root of the cosines of Sun and view, so that it means the same at any of them; half the red where
  there is no blue band. The same with the slope 0.65 of bare soils (0.59 to 0.78 in clear real and simulated scenes):
  the smaller of both counts, since soil raises the first, and dark red roofs and the like the second;
- over snow, the *snow index* NDSI = (green - swir1)/(green + swir1) instead, which cloud lowers (green without
  molecules, which look like snow below a low Sun), as far as 1.6 um is brighter than patchy snow of that green;
- reflectance at 1.38 um, where the lower atmosphere is black (Gao et al. 1993, doi 10.1029/93JD02463);
- temperature at 11 um below that of clear land, water or snow of the scene, in units of their spread, as in Fmask
  (eq. 9 and 14).

Water and snow are told by Fmask's tests (eq. 5 and 20 of 2012): NDVI < 0.01 and NIR < 0.11, or NDVI < 0.1 and
NIR < 0.05; NDSI > 0.15, NIR > 0.11, green > 0.1 and colder than 3.8 degC. A scene without thermal bands takes
NDSI > 0.4 (Hall et al. 1995, doi 10.1016/0034-4257(95)00137-P). Whiteness < 0.7 (eq. 2) and NDVI < 0.8 (eq. 1) are
asked of thin cloud over land. The weights of the measures were fitted to simulated and real scenes together, see
:mod:`musyq_lab.standard.cloud`.
"""

import math
from typing import Any

from musyq_lab.kernels._compile import inline, kernel, select
from musyq_lab.kernels._math import cos, exp, sqrt

__all__ = ["BITS", "LAND", "SNOW", "WATER", "decide", "measures", "rayleigh_depth"]

LAND, WATER, SNOW = 0.0, 1.0, 2.0
"""Kinds of surface that :func:`measures` tells apart."""

BITS = {"cloud": 1, "cloud_possible": 2, "cirrus": 4, "snow_ice": 8, "water": 16, "night": 32}
"""Bits of the number that :func:`decide` returns."""

SAME_HAZE, SAME_TEMPERATURE = 0.02, 290.0
"""What haze and temperature (K) are set to where a pixel is as it was when it was clear."""

SUN_LIMIT = 85.0
"""Solar zenith angle (deg) from which reflectance is not used: MOD35 takes that for night (Ackerman et al. 2010)."""

THRESHOLD = {"fine": 1.3, "coarse": 0.9, "haze": 0.8}
"""Sum of the measures from which a pixel is cloud: in fine pixels, in those of half a kilometre and more (cloud of a
mean optical depth of 0.5 is a few per cent of thick cloud there, which reflects less than a veil), and without a band
at 11 or 1.38 um."""

POSSIBLE = 0.6
"""Share of it from which cloud is possible."""

# What cloud of optical depth 0.5 adds, times the root of the cosines of Sun and view: (1 - 0.85) * 0.5 / 4 to white
# reflectance in the zenith. Beyond, the thin limit says too much, and simulated scenes follow the root.
_WHITE = 0.01875
SLOPE, SOIL = 0.5, 0.65
"""Slopes of blue over red of the two measures of haze."""
_CIRRUS = 0.011  # ice, g = 0.75: 0.031, of which vapour and ice leave about a third at 1.38 um; simulated
# At 1.6 um: snow, what ground that looks out of it adds as the green falls (0.19 at 0.2), what thin cloud adds
_SNOW_SWIR, _PATCHY, _SNOW_UNIT = 0.08, (0.65, 0.25), 0.04
_CIRRUS_BIT = 0.01  # Zhu, Wang & Woodcock 2015 (doi 10.1016/j.rse.2014.12.014)
_NIGHT_COLD = 15.0  # K below the clear ground that is cloud by night; chosen, more than radiation cools ground by
_PREVIOUS_COLD = 3.0  # K: by how much clear days differ where the scene does not say it; chosen
_SPLIT, _SPLIT_COLD = 1.5, 10.0  # K: thin ice cloud is more transparent at 11 than at 12 um; chosen
_BRIGHT = 0.05  # haze of white ground
_DEGREE = math.pi / 180.0
_NAN = math.nan


def rayleigh_depth(wavelength: float) -> float:
    """Return the optical depth of the molecules of a standard atmosphere.

    Hansen & Travis 1974 (doi 10.1007/BF00168069), eq. 2.30.

    Parameters
    ----------
    wavelength : float
        um.
    """
    inverse = wavelength**-2
    return 0.008569 * inverse**2 * (1.0 + 0.0113 * inverse + 0.00013 * inverse**2)


@inline
def _is(x: Any) -> Any:
    """Whether a number is known: False for NaN and infinities."""
    return x - x == 0.0


@inline
def _known(x: Any, other: Any) -> Any:
    """Return a number, or the other where it is NaN."""
    return select(_is(x), x, other)


@inline
def _cosines(sun: Any, view: Any) -> Any:
    """Return the cosines of both zenith angles, those of a plain scene where they are not known."""
    mu_s = max(cos(_known(sun, 45.0) * _DEGREE), 0.1)
    mu_v = max(cos(_known(view, 0.0) * _DEGREE), 0.2)
    return mu_s, mu_v


@inline
def _molecules(depth: Any, mu_s: Any, mu_v: Any, phase: Any) -> Any:
    """Return the reflectance of light scattered once by molecules."""
    return phase * (1.0 - exp(-depth * (1.0 / mu_s + 1.0 / mu_v))) / (4.0 * (mu_s + mu_v))


@inline
def _phase(mu_s: Any, mu_v: Any, turn: Any) -> Any:
    """Return the phase function of molecules."""
    sines = sqrt((1.0 - mu_s * mu_s) * (1.0 - mu_v * mu_v))
    scattered = -mu_s * mu_v - sines * cos(_known(turn, 90.0) * _DEGREE)
    return 0.75 * (1.0 + scattered * scattered)


@inline
def _haze(blue: Any, red: Any, mu_s: Any, mu_v: Any, phase: Any, depth_blue: Any, depth_red: Any) -> Any:
    """Return both measures of haze, without molecules, times the root of the cosines."""
    slant = sqrt(mu_s * mu_v)
    clear_red = red - _molecules(depth_red, mu_s, mu_v, phase)
    clear_blue = blue - _molecules(depth_blue, mu_s, mu_v, phase)
    haze = clear_blue - SLOPE * clear_red
    return slant * select(_is(haze), haze, SLOPE * clear_red), slant * (clear_blue - SOIL * clear_red)


@inline
def _kind(green: Any, red: Any, nir: Any, swir1: Any, temperature: Any) -> Any:
    """Return NDVI, NDSI and the kind of surface; of a green reflectance without molecules."""
    ndvi = (nir - red) / (nir + red)
    ndsi = (green - swir1) / (green + swir1)
    water = ((ndvi < 0.01) & (nir < 0.11)) | ((ndvi < 0.1) & (nir < 0.05))
    cold = (temperature < 276.95) | ((temperature - temperature != 0.0) & (ndsi > 0.4))
    snow = (ndsi > 0.15) & (nir > 0.11) & (green > 0.1) & cold
    return ndvi, ndsi, select(water, WATER, select(snow, SNOW, LAND))


@kernel("(),(),(),(),(),(),(),(),(),(),(),()->(),(),(),()")
def measures(
    blue: float,  # reflectance at the top of the atmosphere (1), NaN where there is no such band
    green: float,
    red: float,
    nir: float,
    swir1: float,
    temperature: float,  # at 11 um (K)
    sun: float,  # zenith (deg)
    view: float,  # zenith (deg)
    turn: float,  # relative azimuth (deg), 0 with Sun and sensor on one side
    depth_blue: float,  # of molecules (1)
    depth_green: float,
    depth_red: float,
    haze: Any,
    soil: Any,
    snow_index: Any,
    kind: Any,
) -> None:
    """Return both measures of haze, NDSI and kind of surface; NaN where there is no reflectance by day."""
    mu_s, mu_v = _cosines(sun, view)
    day = _is(red) & _is(nir) & (_known(sun, 45.0) < SUN_LIMIT)
    phase = _phase(mu_s, mu_v, turn)
    bare = green - _molecules(depth_green, mu_s, mu_v, phase)
    _, ndsi, surface = _kind(bare, red, nir, swir1, temperature)
    first, second = _haze(blue, red, mu_s, mu_v, phase, depth_blue, depth_red)
    haze[0] = select(day, first, _NAN)
    soil[0] = select(day, second, _NAN)
    snow_index[0] = select(day, ndsi, _NAN)
    kind[0] = select(day, surface, _NAN)


@inline
def _within(x: Any, low: Any, high: Any) -> Any:
    """Return a number cut to a range, 0 for NaN."""
    return min(max(_known(x, 0.0), low), high)


@inline
def _cold(kind: Any, temperature: Any, warmest: Any, t: Any) -> Any:
    """Return how much colder than clear ground it is: in units of its spread, and in K."""
    clear = select(kind == WATER, t[2], select(kind == SNOW, t[4], t[0]))
    spread = select(kind == WATER, t[3], select(kind == SNOW, t[5], t[1]))
    before = _is(warmest)
    own = warmest - _PREVIOUS_COLD - temperature
    kelvin = clear - temperature + select(before, warmest - SAME_TEMPERATURE, 0.0 * temperature)
    kelvin = select(before & (clear - clear != 0.0), own, kelvin)
    return kelvin / spread, kelvin


@inline
def _thin(blue: Any, green: Any, red: Any, ndvi: Any, h: Any) -> Any:
    """Whether the spectrum allows thin cloud over land: white enough, and no dense canopy. True for thick cloud."""
    colour = _known(blue, red)
    mean = (colour + green + red) / 3.0
    white = (abs(colour - mean) + abs(green - mean) + abs(red - mean)) / mean
    return ((white < 0.7) & (ndvi < 0.8)) | (h > 2.0)


@kernel(",".join(["()"] * 31) + "->()")
def decide(
    blue: float,  # as in `measures`
    green: float,
    red: float,
    nir: float,
    swir1: float,
    temperature: float,
    sun: float,
    view: float,
    turn: float,
    depth_blue: float,
    depth_green: float,
    depth_red: float,
    cirrus: float,  # reflectance at 1.38 um (1)
    second: float,  # temperature at 12 um (K)
    clearest: float,  # haze of the same pixel when it was clear (1), NaN where that is not known
    warmest: float,  # temperature of the same pixel when it was clear (K)
    haze_clear: float,  # of the scene (1), with SAME_HAZE for what the pixels had before
    haze_unit: float,  # least unit of haze (1)
    soil_clear: float,  # haze of the scene with the slope of soils (1), NaN to leave it out
    index_clear: float,  # NDSI of clear snow (1)
    index_unit: float,
    cirrus_clear: float,  # reflectance at 1.38 um of clear ground (1)
    cirrus_unit: float,
    land: float,  # temperature of clear land (K), with SAME_TEMPERATURE for what it was before; and its unit
    land_unit: float,
    water: float,
    water_unit: float,
    snow: float,
    snow_unit: float,
    white: float,  # whether white ground is taken for snow (1 or 0)
    threshold: float,  # sum of the measures from which it is cloud
    code: Any,
) -> None:
    """Return the bits of :data:`BITS` as one number; 0 where nothing was measured."""
    mu_s, mu_v = _cosines(sun, view)
    day = _is(red) & _is(nir) & (_known(sun, 45.0) < SUN_LIMIT)
    phase = _phase(mu_s, mu_v, turn)
    clear_green = green - _molecules(depth_green, mu_s, mu_v, phase)
    ndvi, ndsi, kind = _kind(clear_green, red, nir, swir1, temperature)
    haze, soil = _haze(blue, red, mu_s, mu_v, phase, depth_blue, depth_red)
    before = _is(clearest)
    slant = sqrt(mu_s * mu_v)
    unit = (1.0 - SLOPE) * _WHITE
    haze = haze - select(before, clearest - SAME_HAZE, 0.0 * haze)
    h = (haze - haze_clear) / max(unit, haze_unit)
    bare = (soil - soil_clear) / ((1.0 - SOIL) * _WHITE)
    h = select(before | (bare - bare != 0.0), h, min(h, bare))
    patchy = _SNOW_SWIR + _PATCHY[1] * max(_PATCHY[0] - clear_green, 0.0 * clear_green)
    s = min((index_clear - ndsi) / index_unit, (swir1 - patchy) / _SNOW_UNIT)
    over_snow = kind == SNOW
    first = select(over_snow, _within(s, -2.0, 6.0), _within(h, -2.0, 6.0))
    above = cirrus - cirrus_clear
    c = _within(above / max(_CIRRUS / slant, cirrus_unit), -1.0, 6.0)
    t, kelvin = _cold(kind, temperature, warmest, (land, land_unit, water, water_unit, snow, snow_unit))
    total = first + 0.7 * c + select(over_snow, 0.3, 0.7) * _within(t, -2.0, 4.0)
    allowed = over_snow | _thin(blue, green, red, ndvi, h) | (c > 1.0)
    by_night = threshold * _known(kelvin, 0.0) / _NIGHT_COLD
    total = select(day, select(allowed, total, 0.0), by_night)
    cloud = total > threshold
    possible = total > POSSIBLE * threshold
    split = (temperature - second > _SPLIT) & (kelvin > _SPLIT_COLD) & possible
    thin = (above > _CIRRUS_BIT) | split
    snowy = over_snow | ((white > 0.5) & (haze > _BRIGHT))
    number = select(cloud, 1.0, 0.0) + select(possible & (total <= threshold), 2.0, 0.0)
    number += select(thin & day, 4.0, 0.0) + select(day & (total <= threshold) & snowy, 8.0, 0.0)
    number += select(day & (total <= threshold) & (kind == WATER), 16.0, 0.0) + select(sun >= SUN_LIMIT, 32.0, 0.0)
    code[0] = number
