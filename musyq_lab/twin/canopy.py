r"""What the plants of a world look like at a time: leaf area, greenness, height, structure, leaves.

Leaf area follows a double logistic (Beck et al. 2006, doi 10.1016/j.rse.2005.10.021) of the days d since the warmest,

.. math:: L = L_{max}\, v\, w \left[ e + (1 - e) \left( \frac{1}{1 + e^{-r(d - s)}} + \frac{1}{1 + e^{f(d - a)}} - 1
          \right) \right]

with vigour v, water supply w, evergreen share e; the season from s to a is where the annual temperature cycle lies
above the base temperature of the class, so it shortens with height and turns by half a year across the equator.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from types import MappingProxyType

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from musyq_lab.kernels._leaf_angles import EDGES, campbell
from musyq_lab.twin._species import MEMBERS, WHEAT, Species, offset, species
from musyq_lab.twin.climate import YEAR, season_phase
from musyq_lab.twin.grid import WorldGrid
from musyq_lab.twin.random import stream

Floats = NDArray[np.float32]

ZERO_CELSIUS = 273.15
_CROPS = (12, 14)
_HALF = np.float32(YEAR / 2)
_DOUBLE_CROP = 11.5
"""Annual mean temperature (degC) above which wheat and maize share a year (the North China Plain)."""
_TAIL = 4.5  # a logistic this far from its middle is within 1 % of its end
_EVERGREEN = 0.1  # share kept from which the kept leaves are live ones
_ATTRIBUTES = MappingProxyType(
    {
        "lai": ("m2 m-2", "leaf area index"),
        "greenness": ("1", "seasonal state of the leaves: 1 fresh green, 0 dry"),
        "fraction_vegetation_cover": ("1", "fraction of ground that leaves hide from a nadir view"),
        "canopy_height": ("m", "canopy height"),
        "mean_leaf_angle": ("degree", "mean inclination of the leaves"),
        "hotspot": ("1", "leaf size over canopy height"),
        "clumping_index": ("1", "clumping index"),
    }
)


def leaf_traits(land_cover: int, greenness: ArrayLike, members: str = "training") -> dict[str, NDArray[np.float64]]:
    r"""Return the inputs of PROSPECT-D for leaves of a class in a seasonal state.

    Chlorophyll goes from 20 ug cm-2 (the lower limit of the training base; dry leaves 5) to the class's own; brown
    pigment rises as it goes.

    .. math:: C_w = C_m / (1 - w) - C_m, \qquad C_{car} = C_{ab} / 4

    (Weiss, Baret & Jay 2020, S2ToolBox ATBD 2.1) with w the water in fresh leaf mass.

    Parameters
    ----------
    land_cover
        IGBP class 1-17.
    greenness
        0 (dry) to 1 (fresh green).
    members
        ``"training"`` or ``"scored"``.

    Returns
    -------
    dict of ndarray
        ``n`` (1), ``cab``, ``car``, ``ant`` (ug cm-2), ``cbrown`` (1), ``cw``, ``cm`` (g cm-2), as ``greenness``.
    """
    kind = species(land_cover, members)
    green = np.clip(np.asarray(greenness, np.float64), 0, 1)
    cab = 5.0 + (kind.cab - 5.0) * green
    share = 0.25 + (kind.water_share - 0.25) * np.sqrt(green)
    cm = np.full(green.shape, kind.cm)
    return {
        "n": kind.n + 0.3 * (1 - green),
        "cab": cab,
        "car": cab / 4 + 2.0 * (1 - green),
        "ant": np.zeros(green.shape),
        "cbrown": 1.2 * (1 - green) ** 2,
        "cw": cm / (1 - share) - cm,
        "cm": cm,
    }


def structure(static: xr.Dataset, seed: int, members: str = "training") -> xr.Dataset:
    """Return what of the canopy does not change with time.

    Parameters
    ----------
    static
        ``land_cover`` (IGBP 1-17), ``parcel`` and ``vigour`` (0-1) of the world.
    seed
        Seed of the world: gives stands their own height.
    members
        ``"training"`` or ``"scored"``.

    Returns
    -------
    Dataset, dims (y, x), float32
        ``clumping_index`` (1) and ``canopy_height_max`` (m).
    """
    classes, parcel = static["land_cover"].values, static["parcel"].values
    stand = stream(seed, "height").uniform(0.75, 1.0, int(parcel.max()) + 1).astype(np.float32)[parcel]
    height = _of_class("height", classes, members) * stand * (0.6 + 0.4 * static["vigour"].values)
    named = {
        "clumping_index": (_of_class("clumping", classes, members), "1", "clumping index"),
        "canopy_height_max": (height.astype(np.float32), "m", "canopy height at its largest in the year"),
    }
    return xr.Dataset({n: (("y", "x"), v, {"units": u, "long_name": t}) for n, (v, u, t) in named.items()})


def canopy(static: xr.Dataset, grid: WorldGrid, time: datetime, seed: int, members: str = "training") -> xr.Dataset:
    """Return the canopy at a time.

    Parameters
    ----------
    static
        ``land_cover``, ``parcel``, ``vigour``, ``wetness``, ``temperature_mean``, ``temperature_amplitude`` (K),
        ``precipitation`` (mm), ``canopy_height_max`` (m), ``clumping_index`` (1) of the world.
    grid
        Cells: their latitude says when summer is.
    time
        UTC.
    seed
        Seed of the world: gives fields their own dates.
    members
        ``"training"`` or ``"scored"``.

    Returns
    -------
    Dataset, dims (y, x), float32
        ``lai`` (m2 m-2), ``greenness`` (0-1), ``fraction_vegetation_cover`` (1), ``canopy_height`` (m),
        ``mean_leaf_angle`` (deg), ``hotspot`` (1), ``clumping_index`` (1).
    """
    classes = static["land_cover"].values
    lai, green, grown = _growth(static, grid, time, seed, members)
    omega, height = static["clumping_index"].values, static["canopy_height_max"].values
    low = height < 3.0  # herbs grow up every year, woody plants keep their height
    fields = (
        lai,
        green,
        -np.expm1(-_nadir_projection(members)[classes] * omega * lai),
        np.where(low, height * np.sqrt(np.clip(grown, 0.01, 1)), height),
        _of_class("leaf_angle", classes, members),
        _of_class("hotspot", classes, members),
        omega,
    )
    named = zip(_ATTRIBUTES.items(), fields, strict=True)
    return xr.Dataset(
        {n: (("y", "x"), np.asarray(f, np.float32), {"units": u, "long_name": t}) for (n, (u, t)), f in named}
    )


@cache
def _table(name: str, members: str) -> Floats:
    return np.array([0.0, *(getattr(species(number, members), name) for number in range(1, 18))], np.float32)


def _of_class(name: str, classes: NDArray[np.uint8], members: str) -> Floats:
    return np.asarray(_table(name, members)[classes])


@cache
def _nadir_projection(members: str) -> Floats:
    """Return the area that a leaf of each class hides from a nadir view, over its own: the mean cosine of its angles.

    The distribution is that of the reflectance (Campbell 1990), so that cover and what a sensor sees agree.
    """
    middle = np.cos(np.radians(0.5 * (EDGES[1:] + EDGES[:-1])))
    shares = campbell(_table("leaf_angle", members))
    return np.asarray(shares @ middle, np.float32)


def water_supply(static: xr.Dataset) -> Floats:
    r"""Return rain over potential evaporation, shifted to where the ground gathers it.

    .. math:: w = P / E_0 \; (0.6 + 0.8\, W), \qquad E_0 = 58.93\, \max(T, 0)

    (Holdridge 1967, Life Zone Ecology: potential evaporation, mm, from the biotemperature, degC), W the topographic
    wetness. The biotemperature is the mean over the year of the temperature cycle above 0 degC.
    """
    mean = static["temperature_mean"].values - np.float32(ZERO_CELSIUS)
    amplitude = np.maximum(static["temperature_amplitude"].values, np.float32(0.1))
    # mean of max(T, 0) over a cosine: T mean q / pi + A sin(q) / pi, q = half the angle above zero
    q = np.arccos(np.clip(-mean / amplitude, -1, 1))
    warm = np.maximum((mean * q + amplitude * np.sin(q)) / np.float32(np.pi), np.float32(0.5))
    gathered = np.float32(0.6) + np.float32(0.8) * static["wetness"].values
    return np.asarray(static["precipitation"].values / (np.float32(58.93) * warm) * gathered, np.float32)


def _growth(
    static: xr.Dataset, grid: WorldGrid, time: datetime, seed: int, members: str
) -> tuple[Floats, Floats, Floats]:
    """Return leaf area, greenness, and leaf area over its largest in the year."""
    classes = static["land_cover"].values
    north, south = (np.float32(season_phase(sign, time)) for sign in (1.0, -1.0))
    late = _dates(static["parcel"].values, classes, seed)
    day = ((np.where(grid.latitude >= 0, north, south) - late + _HALF) % np.float32(YEAR) - _HALF).ravel()
    mean = static["temperature_mean"].values.ravel() - np.float32(ZERO_CELSIUS)
    amplitude, vigour = (static[name].values.ravel() for name in ("temperature_amplitude", "vigour"))
    supply, number_of = water_supply(static).ravel(), classes.ravel()
    lai, green, grown = np.zeros((3, classes.size), np.float32)
    for number in np.flatnonzero(np.bincount(number_of)):
        kind = species(int(number), members)
        if kind.lai == 0:
            continue
        cells = np.flatnonzero(number_of == number)
        season, green[cells] = _season(kind, int(number), day[cells], mean[cells], amplitude[cells], members)
        water = np.minimum(supply[cells] / np.float32(kind.thirst), 1)
        lai[cells] = np.float32(kind.lai) * vigour[cells] * water * season
        grown[cells] = season
    shape = classes.shape
    return lai.reshape(shape), green.reshape(shape), grown.reshape(shape)


def _dates(parcel: NDArray[np.int32], classes: NDArray[np.uint8], seed: int) -> Floats:
    """Return days by which each parcel is late: farmers differ more than nature does."""
    late = stream(seed, "dates").standard_normal(int(parcel.max()) + 1, dtype=np.float32)
    return np.clip(late, -2, 2)[parcel] * np.where(np.isin(classes, _CROPS), np.float32(5.0), np.float32(1.5))


def _season(
    kind: Species, number: int, day: Floats, mean: Floats, amplitude: Floats, members: str
) -> tuple[Floats, Floats]:
    """Return leaf area over its largest and greenness, 0 to 1 each."""
    half = half_season(mean, amplitude, kind.base)
    short = np.clip(half / 40, 0, 1)  # a short summer gives less, and what there is comes in a hurry
    always = np.clip((half - np.float32(150)) / 30, 0, 1)  # no winter, no gap
    start = -half + np.float32(kind.delay) * short * (1 - always)
    end = half - np.float32(kind.early) * short * (1 - always)
    box = np.clip(_box(day, start, end, kind.rise, kind.fall), 0, 1) * short
    fresh = np.clip(_box(day, start - 30, end - 12, kind.rise, kind.fall), 0, 1)
    leaves, green = (np.asarray(part + (1 - part) * always, np.float32) for part in (box, fresh))
    if number == 12 and mean.max() > _DOUBLE_CROP:
        leaves, green = _two_crops(leaves, green, day, mean, members)
    keep = np.float32(kind.evergreen)
    total = keep + (1 - keep) * leaves
    if keep >= _EVERGREEN:  # what stays is green; of grass, what stays is straw
        kept = keep * (np.float32(0.85) + np.float32(0.15) * green)
        green = np.asarray((kept + (1 - keep) * leaves * green) / total, np.float32)
    alive = np.clip((mean + amplitude - 2) / 4, 0, 1)  # nothing stands where the warmest month is below 2 degC
    return np.asarray(total * alive, np.float32), np.asarray(green, np.float32)


def half_season(mean: Floats, amplitude: Floats, base: float) -> Floats:
    r"""Return half the length (d) of the time above a temperature, at least 0, half a year where it is always above.

    .. math:: h = \frac{365.25}{2\pi} \arccos \frac{T_b - T}{A}
    """
    sine = (np.float32(base) - mean) / np.maximum(amplitude, np.float32(0.05))
    return np.asarray(np.float32(YEAR / (2 * np.pi)) * np.arccos(np.clip(sine, -1, 1)), np.float32)


def _box(day: Floats, start: ArrayLike, end: ArrayLike, rise: float, fall: float) -> Floats:
    """Return the double logistic and, where it reaches so far, that of the year before or after."""
    first, last = np.asarray(start, np.float32), np.asarray(end, np.float32)
    up, down = np.float32(rise), np.float32(-fall)
    out = expit(up * (day - first)) + expit(down * (day - last)) - 1
    if min(rise * (_HALF + first.min()), fall * (_HALF - last.max())) < _TAIL:
        other = np.where(day > 0, day - np.float32(YEAR), day + np.float32(YEAR))
        out += expit(up * (other - first)) + expit(down * (other - last)) - 1
    return np.asarray(out, np.float32)


def _two_crops(leaves: Floats, green: Floats, day: Floats, mean: Floats, members: str) -> tuple[Floats, Floats]:
    """Return the year of winter wheat and maize where it is warm, of one crop elsewhere.

    Days from the warmest: wheat is sown in mid October (+87), greens up in March (-115) and is harvested about 10 June
    (-40), maize stands from 20 June (-30) to the end of September (+70), as on the North China Plain.
    """
    wheat = offset(WHEAT, members)
    share = np.float32(wheat.lai / species(12, members).lai)
    spring = _box(day, -112, -42, wheat.rise, wheat.fall)
    winter = np.float32(0.15) * _box(day, 95, YEAR - 115, 0.08, 0.10)
    maize = _box(day, -8, 68, 0.14, 0.20)
    double = np.clip(share * (np.clip(spring, 0, 1) + np.clip(winter, 0, 1)), 0, 1) + np.clip(maize, 0, 1)
    fresh = np.clip(
        expit(-0.20 * (day - 58)) * expit(0.2 * (day + 32)) + expit(-0.25 * (day + 55)) + expit(0.2 * (day - 90)), 0, 1
    )
    warm = mean > np.float32(_DOUBLE_CROP)
    return np.where(warm, np.clip(double, 0, 1), leaves), np.where(warm, fresh, green)


__all__ = ["MEMBERS", "canopy", "half_season", "leaf_traits", "structure", "water_supply"]
