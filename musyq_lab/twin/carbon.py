r"""Carbon and water of a day: the light-use efficiency model of MOD17.

.. math:: GPP = \varepsilon_{max} f(T_{min}) g(VPD) \, FPAR \cdot PAR, \qquad
          NPP = 0.8 (GPP - R_m) \text{ where positive, else } GPP - R_m

(Running & Zhao 2015, MOD17 user's guide; Zhao et al. 2005, doi 10.1016/j.rse.2004.12.011) with maintenance respiration
of leaves, fine roots and live wood by their mass and temperature. MOD17 takes live wood from the largest leaf mass of
the year and growth respiration from the annual sum; here both are of the day, since a simulated world may be days long.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.products._biomes import biome_table
from musyq_lab.twin._variables import dataset

Field = NDArray[np.floating]

EXTINCTION = 0.5
"""Extinction coefficient of a spherical canopy for the mean light of a day, MOD17's own (user's guide, section 2)."""

LATENT = 2.45e6
"""Latent heat of vaporisation at 20 C (J kg-1), FAO-56."""


Parameter = float | NDArray[np.float32]


class Biome(NamedTuple):
    """One column of the biome parameter table; maps of parameters do as well."""

    efficiency: Parameter
    """Largest light-use efficiency (g C MJ-1 of absorbed PAR)."""
    cold: tuple[Parameter, Parameter]
    """Lowest air temperature of the day (C) at which production is none, and full."""
    dry: tuple[Parameter, Parameter]
    """Vapour pressure deficit (Pa) up to which production is full, and from which it is none."""
    leaf_area: Parameter
    """Specific leaf area (m2 kg-1 C)."""
    mass: tuple[Parameter, Parameter]
    """Fine roots and live wood over leaves (kg kg-1)."""
    respiration: tuple[Parameter, Parameter, Parameter]
    """Maintenance respiration of leaves, fine roots and live wood at 20 C (d-1)."""


_COLUMNS = (
    *("efficiency", "cold_none", "cold_full", "dry_full", "dry_none"),
    *("leaf_area", "roots", "wood", "leaf_rate", "root_rate", "wood_rate"),
)
# MOD17 leaves out wetlands and towns, which are given the parameters of grass, and mosaics, those of crops.
_STAND_IN = {11: 10, 13: 10, 14: 12}


def _biome(*numbers: float) -> Biome:
    efficiency, t0, t1, v0, v1, area, roots, wood, leaf, root, live = numbers
    return Biome(efficiency, (t0, t1), (v0, v1), area, (roots, wood), (leaf * 1e-3, root * 1e-3, live * 1e-3))


def _biomes() -> dict[int, Biome]:
    known = {number: _biome(*row) for number, row in biome_table("mod17", _COLUMNS)}
    return dict(sorted((known | {number: known[of] for number, of in _STAND_IN.items()}).items()))


BIOMES = _biomes()
"""IGBP class -> parameters of MOD17 (``catalogs/biomes/mod17.csv``); classes that it lacks hold no plants."""


def carbon(static: xr.Dataset, day: datetime, *, canopy: xr.Dataset, daily: xr.Dataset) -> xr.Dataset:
    """Return the carbon and water fluxes of a day.

    Parameters
    ----------
    static
        With ``land_cover`` (IGBP), dims (y, x).
    day
        UTC; the model does not depend on it.
    canopy
        ``lai`` and ``clumping_index`` of the day.
    daily
        Means of the day: ``downward_par`` and ``latent_heat`` (W m-2), ``air_temperature``, ``air_temperature_min``
        (K), ``vapour_pressure_deficit`` (Pa); ``fpar`` if known, else it follows from leaf area.

    Returns
    -------
    Dataset
        ``gpp``, ``npp`` (g C m-2 d-1), ``evapotranspiration`` (mm d-1), ``fpar`` (1), dims (y, x).
    """
    lai = np.asarray(canopy["lai"].values, np.float32)
    clumped = np.asarray(canopy["clumping_index"].values, np.float32)
    fpar = daily["fpar"].values if "fpar" in daily else 1 - np.exp(-EXTINCTION * clumped * lai)
    light = fpar * daily["downward_par"].values * np.float32(0.0864)  # W m-2 to MJ m-2 d-1
    celsius = daily["air_temperature"].values - np.float32(273.15)
    coldest = daily["air_temperature_min"].values - np.float32(273.15)
    deficit = daily["vapour_pressure_deficit"].values
    cover = static["land_cover"].values
    gpp, npp = np.zeros(lai.shape, np.float32), np.zeros(lai.shape, np.float32)
    for number in np.unique(cover):
        biome = BIOMES.get(int(number))
        if biome is None:
            continue
        here = cover == number
        gpp[here] = production(biome, light[here], coldest[here], deficit[here])
        left = gpp[here] - maintenance(biome, lai[here], celsius[here])
        npp[here] = np.where(left > 0, np.float32(0.8) * left, left)
    water = daily["latent_heat"].values * np.float32(86_400 / LATENT)
    return dataset({"gpp": gpp, "npp": npp, "evapotranspiration": water, "fpar": fpar}, static)


def production(biome: Biome, light: Field, coldest: Field, deficit: Field) -> Field:
    """Return gross primary production (g C m-2 d-1).

    Parameters
    ----------
    biome
        Parameters.
    light
        Absorbed photosynthetically active radiation (MJ m-2 d-1).
    coldest
        Lowest air temperature (C).
    deficit
        Vapour pressure deficit by day (Pa).
    """
    (t0, t1), (v0, v1) = biome.cold, biome.dry
    warm = np.clip((coldest - t0) / (t1 - t0), 0, 1)
    moist = np.clip((v1 - deficit) / (v1 - v0), 0, 1)
    return np.asarray(biome.efficiency * warm * moist * light)


def maintenance(biome: Biome, lai: Field, celsius: Field) -> Field:
    r"""Return maintenance respiration (g C m-2 d-1).

    .. math:: R = 1000 \sum_i M_i r_i Q_i^{(T - 20)/10}

    with :math:`Q = 3.22 - 0.046 T` for leaves (Tjoelker et al. 2001, doi 10.1046/j.1365-2486.2001.00397.x) and 2 for
    roots and wood.

    Parameters
    ----------
    biome
        Parameters.
    lai
        Leaf area index.
    celsius
        Mean air temperature (C).
    """
    leaves = lai / biome.leaf_area
    exponent = (celsius - 20) / 10
    roots, wood = (share * rate for share, rate in zip(biome.mass, biome.respiration[1:], strict=True))
    acclimated = np.clip(3.22 - 0.046 * celsius, 1.0, None) ** exponent
    return np.asarray(1000 * leaves * (biome.respiration[0] * acclimated + (roots + wood) * 2.0**exponent))
